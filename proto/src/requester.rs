//! Who looks.

use std::fmt;

use crate::{JobRole, Malformed, OdsCode, bounded, limit, wire};

/// Who looks: one person in one role at a time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Requester {
    /// Somebody at work in an organisation.
    Professional {
        /// User id within the organisation.
        user: String,
        /// Name, as at the time.
        name: String,
        /// The one role in which they look.
        role: JobRole,
        /// The organisation that vouches for them.
        organisation: OdsCode,
        /// Team within the organisation.
        team: Option<String>,
    },
    /// The person themselves, or somebody who may act for them.
    Citizen {
        /// User id at the app's provider.
        user: String,
        /// Name, as at the time.
        name: String,
        /// The app's provider, which vouches for them.
        provider: OdsCode,
    },
    /// The privacy officer of an organisation; reaches logs, never records.
    PrivacyOfficer {
        /// User id within the organisation.
        user: String,
        /// Name, as at the time.
        name: String,
        /// The organisation.
        organisation: OdsCode,
    },
}

impl Requester {
    /// The job role that makes somebody a privacy officer (national code R0001).
    pub const PRIVACY_OFFICER_ROLE: &'static str = "R0001";

    /// The organisation that vouches.
    pub fn organisation(&self) -> &OdsCode {
        match self {
            Requester::Professional { organisation, .. } | Requester::PrivacyOfficer { organisation, .. } => {
                organisation
            }
            Requester::Citizen { provider, .. } => provider,
        }
    }

    /// The user id within that organisation.
    pub fn user(&self) -> &str {
        match self {
            Requester::Professional { user, .. }
            | Requester::Citizen { user, .. }
            | Requester::PrivacyOfficer { user, .. } => user,
        }
    }

    /// Their name, for an audit entry.
    pub fn name(&self) -> &str {
        match self {
            Requester::Professional { name, .. }
            | Requester::Citizen { name, .. }
            | Requester::PrivacyOfficer { name, .. } => name,
        }
    }

    /// The job-role code; none for a citizen.
    pub fn role(&self) -> Option<&str> {
        match self {
            Requester::Professional { role, .. } => Some(role.as_str()),
            Requester::PrivacyOfficer { .. } => Some(Requester::PRIVACY_OFFICER_ROLE),
            Requester::Citizen { .. } => None,
        }
    }

    /// The team, if one is named.
    pub fn team(&self) -> Option<&str> {
        match self {
            Requester::Professional { team, .. } => team.as_deref(),
            Requester::Citizen { .. } | Requester::PrivacyOfficer { .. } => None,
        }
    }
}

impl Requester {
    /// As audit logs and access notices have it.
    pub fn to_wire(&self) -> wire::AuditRequester {
        wire::AuditRequester {
            user: self.user().to_owned(),
            name: self.name().to_owned(),
            role: self.role().unwrap_or_default().to_owned(),
            team: self.team().unwrap_or_default().to_owned(),
            organisation: self.organisation().to_string(),
        }
    }

    /// Parses what [`Requester::to_wire`] made.
    ///
    /// # Errors
    ///
    /// [`Malformed`] naming the first field that does not parse.
    pub fn from_wire(message: &wire::AuditRequester) -> Result<Self, Malformed> {
        let text = |field, text: &str| bounded::text(field, text, limit::TEXT_CHARS, "at most 256 characters");
        let (user, name) = (text("user", &message.user)?, text("name", &message.name)?);
        let team = text("team", &message.team)?;
        let organisation = OdsCode::parse(&message.organisation)?;
        Ok(match message.role.as_str() {
            "" => Requester::Citizen { user, name, provider: organisation },
            Requester::PRIVACY_OFFICER_ROLE => Requester::PrivacyOfficer { user, name, organisation },
            role => Requester::Professional {
                user,
                name,
                role: JobRole::parse(role)?,
                organisation,
                team: (!team.is_empty()).then_some(team),
            },
        })
    }
}

impl fmt::Debug for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Requester({} of {})", self.role().unwrap_or("citizen"), self.organisation())
    }
}
