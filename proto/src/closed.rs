//! Closed lists of words: the same word in the .proto files, in Rust, in policies and in documents.

/// Declares a closed list of words. Unknown words do not parse.
macro_rules! closed_enum_word {
    ($(#[$doc:meta])* $name:ident, $field:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word for it, as policies, configurations and documents write it.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::Malformed;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err($crate::Malformed::new($field, "a known word")),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// Declares a closed list of words whose variants are exactly the known values of a wire enum.
///
/// The unspecified value and unknown numbers do not parse.
macro_rules! closed_enum {
    ($(#[$doc:meta])* $name:ident, $field:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $crate::closed::closed_enum_word!(
            $(#[$doc])* $name, $field, { $($(#[$vdoc])* $variant = $word),+ }
        );

        impl $name {
            /// Its number on the wire.
            pub const fn to_wire(self) -> i32 {
                match self { $($name::$variant => $crate::wire::$name::$variant as i32),+ }
            }

            /// Parses a number from the wire.
            ///
            /// # Errors
            ///
            /// [`Malformed`](crate::Malformed) for the unspecified value and for unknown numbers.
            pub fn from_wire(number: i32) -> Result<Self, $crate::Malformed> {
                match $crate::wire::$name::try_from(number) {
                    $(Ok($crate::wire::$name::$variant) => Ok($name::$variant),)+
                    _ => Err($crate::Malformed::new($field, "a known value")),
                }
            }
        }
    };
}

pub(crate) use {closed_enum, closed_enum_word};
