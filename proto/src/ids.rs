//! Random ids. Sixteen bytes each, of different types so that two cannot be swapped.

use std::fmt;

use crate::{Malformed, Random};

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// A new one.
            pub fn generate(random: &dyn Random) -> Self {
                let mut bytes = [0; 16];
                random.fill(&mut bytes);
                $name(bytes)
            }

            /// Parses 16 bytes.
            ///
            /// # Errors
            ///
            /// [`Malformed`] for any other length.
            pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
                bytes.try_into().map($name).map_err(|_| Malformed::new($field, "16 bytes"))
            }

            /// The bytes, for a message.
            pub fn to_vec(&self) -> Vec<u8> {
                self.0.to_vec()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

random_id!(
    /// Names one view at a broker.
    ViewId, "view_id"
);
random_id!(
    /// Names one query to one organisation.
    QueryId, "id"
);
random_id!(
    /// Makes a query one that was never asked before.
    Nonce, "nonce"
);
random_id!(
    /// Tells one run of a node's process from every other.
    Instance, "instance"
);
random_id!(
    /// Tells one session of a broker at a node from every other. The node makes it.
    SessionId, "session"
);

/// The id of an assertion: 1 to 64 characters of `A-Z a-z 0-9 - _ .`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Jti(String);

impl Jti {
    /// A new one: 128 random bits in hexadecimal.
    pub fn generate(random: &dyn Random) -> Self {
        Jti(Nonce::generate(random).to_string())
    }

    /// Parses an id.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is empty, too long, or holds any other character.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if fits {
            Ok(Jti(text.to_owned()))
        } else {
            Err(Malformed::new("jti", "1 to 64 letters, digits, '-', '_' or '.'"))
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
