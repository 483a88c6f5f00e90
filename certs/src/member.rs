//! Members and brokers, as the register describes them.

use std::collections::BTreeSet;

use weald_proto::{KeyId, KeyUse, Malformed, OdsCode, OrganisationKind, Section, SpiffeId, VerifyingKey};

/// An organisation of the federation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its ODS code.
    pub organisation: OdsCode,
    /// Its name, for people: 1 to 200 characters.
    pub name: String,
    /// What kind of organisation it is.
    pub kind: OrganisationKind,
    /// Whether it takes part now.
    pub state: MemberState,
    /// Where its node listens, as `host:port`; none for one that has no node or dials in.
    pub address: Option<String>,
    /// The sections that it holds.
    pub sections: BTreeSet<Section>,
    /// Asked about everybody, wherever the locator places a person.
    pub always_ask: bool,
    /// Its keys, in every state.
    pub keys: Vec<RegisteredKey>,
}

impl Member {
    /// True if it takes part now.
    pub fn is_active(&self) -> bool {
        self.state == MemberState::Active
    }

    /// True if it has a node, which listens or dials in: one without signs no statements.
    pub fn has_node(&self) -> bool {
        let signs = |key: &RegisteredKey| key.usage == KeyUse::Statement && key.state.verifies();
        self.address.is_some() || self.keys.iter().any(signs)
    }
}

/// A broker of the federation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Its name in certificates.
    pub id: SpiffeId,
    /// Where nodes attach to it, as `host:port`; none for one to which none do.
    pub address: Option<String>,
    /// Its keys, in every state.
    pub keys: Vec<RegisteredKey>,
}

/// Whether a member takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberState {
    /// It is asked, and its word counts.
    Active,
    /// It is neither asked nor believed.
    Suspended,
}

impl MemberState {
    /// The word for it in the register.
    pub const fn as_str(self) -> &'static str {
        match self {
            MemberState::Active => "active",
            MemberState::Suspended => "suspended",
        }
    }

    /// Parses the register's word.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for any other word.
    pub fn parse(word: &str) -> Result<Self, Malformed> {
        match word {
            "active" => Ok(MemberState::Active),
            "suspended" => Ok(MemberState::Suspended),
            _ => Err(Malformed::new("state", "active or suspended")),
        }
    }
}

/// A key as the register lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredKey {
    /// Its id, which no other key of the register has.
    pub id: KeyId,
    /// What it signs.
    pub usage: KeyUse,
    /// The public key, which the register lists under no other id.
    pub key: VerifyingKey,
    /// Where it is in its life.
    pub state: KeyState,
}

/// Where a key is in its life: announced, in use, good for what it has signed, gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// Announced; nothing signed with it is accepted yet.
    Pending,
    /// Signs, and is accepted.
    Active,
    /// Signs no more; what it signed is accepted.
    VerifyOnly,
    /// Accepted no more.
    Retired,
}

impl KeyState {
    /// The word for it in the register.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyState::Pending => "pending",
            KeyState::Active => "active",
            KeyState::VerifyOnly => "verify_only",
            KeyState::Retired => "retired",
        }
    }

    /// Parses the register's word.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for any other word.
    pub fn parse(word: &str) -> Result<Self, Malformed> {
        match word {
            "pending" => Ok(KeyState::Pending),
            "active" => Ok(KeyState::Active),
            "verify_only" => Ok(KeyState::VerifyOnly),
            "retired" => Ok(KeyState::Retired),
            _ => Err(Malformed::new("state", "pending, active, verify_only or retired")),
        }
    }

    /// True if a signature made with such a key is accepted.
    pub const fn verifies(self) -> bool {
        matches!(self, KeyState::Active | KeyState::VerifyOnly)
    }
}
