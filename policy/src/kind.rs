//! Kinds of requester.

use std::fmt;
use std::str::FromStr;

/// What kind of requester a job role makes somebody. Policies speak of kinds, never of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequesterKind {
    /// A doctor, or another with a doctor's access.
    Doctor,
    /// A nurse or midwife.
    Nurse,
    /// An allied health professional.
    Ahp,
    /// A paramedic.
    Paramedic,
    /// A social worker for adults.
    AdultSocialWorker,
    /// A social worker for children.
    ChildSocialWorker,
    /// The manager or a senior carer of a care home.
    CareHomeManager,
    /// A care worker, in a home or at the person's home.
    CareWorker,
    /// A receptionist.
    Receptionist,
    /// The person themselves, or somebody who may act for them.
    Citizen,
    /// A privacy officer, who reaches logs and no record.
    PrivacyOfficer,
}

impl RequesterKind {
    /// Every kind.
    pub const ALL: &'static [RequesterKind] = &[
        RequesterKind::Doctor,
        RequesterKind::Nurse,
        RequesterKind::Ahp,
        RequesterKind::Paramedic,
        RequesterKind::AdultSocialWorker,
        RequesterKind::ChildSocialWorker,
        RequesterKind::CareHomeManager,
        RequesterKind::CareWorker,
        RequesterKind::Receptionist,
        RequesterKind::Citizen,
        RequesterKind::PrivacyOfficer,
    ];

    /// The word for it, as policies and role tables write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            RequesterKind::Doctor => "doctor",
            RequesterKind::Nurse => "nurse",
            RequesterKind::Ahp => "ahp",
            RequesterKind::Paramedic => "paramedic",
            RequesterKind::AdultSocialWorker => "adult_social_worker",
            RequesterKind::ChildSocialWorker => "child_social_worker",
            RequesterKind::CareHomeManager => "care_home_manager",
            RequesterKind::CareWorker => "care_worker",
            RequesterKind::Receptionist => "receptionist",
            RequesterKind::Citizen => "citizen",
            RequesterKind::PrivacyOfficer => "privacy_officer",
        }
    }
}

impl FromStr for RequesterKind {
    type Err = weald_proto::Malformed;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        RequesterKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == word)
            .ok_or(weald_proto::Malformed::new("kind", "a kind of requester that policies know"))
    }
}

impl fmt::Display for RequesterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
