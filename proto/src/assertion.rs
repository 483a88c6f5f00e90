//! The assertion: who asks, for whom, why, which sections, for five minutes.
//!
//! Made for one view by the requester's organisation, in the shape that GP Connect uses for its
//! request context, and signed, which GP Connect's is not.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::closed::closed_enum_word;
use crate::key::KeyUse;
use crate::{
    BirthDate, FamilyName, FederationName, JobRole, Jti, Malformed, NhsNumber, OdsCode, Patient, Purpose, Requester,
    Section, Signable, SpiffeId, Timestamp, limit,
};

closed_enum_word!(
    /// What makes it the requester's business. The organisation vouches for it.
    RelationshipKind, "relationship", {
        /// Registered at the practice.
        RegisteredPractice = "registered_practice",
        /// An open encounter.
        OpenEncounter = "open_encounter",
        /// An open referral.
        OpenReferral = "open_referral",
        /// An open social-care case.
        OpenSocialCareCase = "open_social_care_case",
        /// A member of the care team.
        CareTeamMember = "care_team_member",
        /// A resident of the care home.
        ResidentOfCareHome = "resident_of_care_home",
        /// An appointment near in time.
        AppointmentWithinWindow = "appointment_within_window",
        /// An ambulance incident.
        AmbulanceIncident = "ambulance_incident",
        /// Claimed by the requester alone.
        SelfClaimed = "self_claimed",
    }
);

closed_enum_word!(
    /// Why the glass was broken (national alert reasons).
    BreakGlassReason, "break_glass", {
        /// Public interest.
        PublicInterest = "public_interest",
        /// Required by statute.
        Statute = "statute",
        /// Court order.
        CourtOrder = "court_order",
        /// Emergency access, claimed by the requester.
        SelfClaimEmergency = "self_claim_emergency",
        /// Access made in an emergency.
        Emergency = "emergency",
        /// Another reason, which stays with the requester's organisation.
        Other = "other",
    }
);

/// Evidence that it is the requester's business.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relationship {
    /// What kind.
    pub kind: RelationshipKind,
    /// The organisation's own reference for it.
    pub reference: String,
}

impl fmt::Debug for Relationship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relationship({})", self.kind)
    }
}

/// The claims of one assertion.
#[derive(Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The organisation that says so (for a citizen, the app's provider).
    pub issuer: OdsCode,
    /// Who looks.
    pub requester: Requester,
    /// Whom it is about.
    pub patient: Patient,
    /// What for.
    pub purpose: Purpose,
    /// Why it is their business; only a citizen needs none.
    pub relationship: Option<Relationship>,
    /// Why the glass was broken, if it was.
    pub break_glass: Option<BreakGlassReason>,
    /// What they want to see; never empty.
    pub sections: BTreeSet<Section>,
    /// The federation in which it counts.
    pub audience: FederationName,
    /// Its own id.
    pub jti: Jti,
    /// From when.
    pub issued_at: Timestamp,
    /// Until when: at most five minutes later.
    pub expires_at: Timestamp,
    /// The viewer app that may present it.
    pub viewer: SpiffeId,
}

/// Why an assertion or a query is not valid now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// Its time is over.
    #[error("its time is over")]
    Expired,
    /// Its time has not begun.
    #[error("its time has not begun")]
    NotYet,
}

impl Assertion {
    /// Is it valid now? Clocks may be 60 s apart.
    ///
    /// # Errors
    ///
    /// [`NotNow`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), NotNow> {
        within(self.issued_at, self.expires_at, now)
    }
}

/// Is `now` between the two, give or take what clocks may be apart?
pub(crate) fn within(issued_at: Timestamp, expires_at: Timestamp, now: Timestamp) -> Result<(), NotNow> {
    if now > expires_at.plus(limit::CLOCK_SKEW) {
        Err(NotNow::Expired)
    } else if now.plus(limit::CLOCK_SKEW) < issued_at {
        Err(NotNow::NotYet)
    } else {
        Ok(())
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assertion({} by {:?} for {})", self.jti.as_str(), self.requester, self.purpose)
    }
}

/// The claims as JSON. Unknown members are refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    sub: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    patient: PatientClaim,
    purpose: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relationship: Option<RelationshipClaim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    break_glass: Option<String>,
    sections: Vec<String>,
    aud: String,
    jti: String,
    iat: i64,
    exp: i64,
    cnf: Confirmation,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatientClaim {
    nhs_number: String,
    birth_date: String,
    family_name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RelationshipClaim {
    kind: String,
    reference: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    spiffe_id: String,
}

impl Signable for Assertion {
    /// Not part of what is signed: a JWS has its own framing (stated exception).
    const CONTEXT: &'static str = "weald-assertion+jwt";
    const USE: KeyUse = KeyUse::Assertion;

    fn encode(&self) -> Vec<u8> {
        let claims = Claims {
            iss: self.issuer.to_string(),
            sub: self.requester.user().to_owned(),
            name: self.requester.name().to_owned(),
            role: self.requester.role().map(str::to_owned),
            team: self.requester.team().map(str::to_owned),
            patient: PatientClaim {
                nhs_number: self.patient.nhs_number.expose().to_owned(),
                birth_date: self.patient.birth_date.expose().to_owned(),
                family_name: self.patient.family_name.expose().to_owned(),
            },
            purpose: self.purpose.code().to_owned(),
            relationship: self.relationship.as_ref().map(|relationship| RelationshipClaim {
                kind: relationship.kind.as_str().to_owned(),
                reference: relationship.reference.clone(),
            }),
            break_glass: self.break_glass.map(|reason| reason.as_str().to_owned()),
            sections: self.sections.iter().map(|section| section.as_str().to_owned()).collect(),
            aud: self.audience.to_string(),
            jti: self.jti.as_str().to_owned(),
            iat: self.issued_at.as_secs(),
            exp: self.expires_at.as_secs(),
            cnf: Confirmation { spiffe_id: self.viewer.to_string() },
        };
        serde_json::to_vec(&claims).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let claims: Claims = serde_json::from_slice(bytes)
            .map_err(|_| Malformed::new("claims", "the members of an assertion, each once and no other"))?;
        let (issued_at, expires_at) = period(claims.iat, claims.exp)?;
        let issuer = OdsCode::parse(&claims.iss).map_err(|_| Malformed::new("iss", "an ODS code"))?;
        let requester = requester(&claims, &issuer)?;
        let relationship = claims.relationship.map(relationship).transpose()?;
        if relationship.is_none() && matches!(requester, Requester::Professional { .. }) {
            return Err(Malformed::new("relationship", "present, unless a citizen asks"));
        }
        Ok(Assertion {
            issuer,
            requester,
            patient: Patient {
                nhs_number: NhsNumber::parse(&claims.patient.nhs_number)?,
                birth_date: BirthDate::parse(&claims.patient.birth_date)?,
                family_name: FamilyName::parse(&claims.patient.family_name)?,
            },
            purpose: claims.purpose.parse()?,
            relationship,
            break_glass: claims.break_glass.as_deref().map(str::parse).transpose()?,
            sections: sections(&claims.sections)?,
            audience: FederationName::parse(&claims.aud).map_err(|_| Malformed::new("aud", "a federation"))?,
            jti: Jti::parse(&claims.jti)?,
            issued_at,
            expires_at,
            viewer: SpiffeId::parse(&claims.cnf.spiffe_id).map_err(|_| Malformed::new("cnf", "a SPIFFE id"))?,
        })
    }
}

fn period(iat: i64, exp: i64) -> Result<(Timestamp, Timestamp), Malformed> {
    let (from, until) = (Timestamp::from_secs(iat), Timestamp::from_secs(exp));
    if until <= from || until.since(from) > limit::ASSERTION_LIFE {
        return Err(Malformed::new("exp", "later than iat by at most five minutes"));
    }
    Ok((from, until))
}

fn requester(claims: &Claims, issuer: &OdsCode) -> Result<Requester, Malformed> {
    let user = bounded("sub", &claims.sub)?;
    let name = bounded("name", &claims.name)?;
    let team = claims.team.as_deref().map(|team| bounded("team", team)).transpose()?;
    Ok(match claims.role.as_deref() {
        None => Requester::Citizen { user, name, provider: issuer.clone() },
        Some(Requester::PRIVACY_OFFICER_ROLE) => Requester::PrivacyOfficer { user, name, organisation: issuer.clone() },
        Some(role) => {
            Requester::Professional { user, name, role: JobRole::parse(role)?, organisation: issuer.clone(), team }
        }
    })
}

fn relationship(claim: RelationshipClaim) -> Result<Relationship, Malformed> {
    Ok(Relationship { kind: claim.kind.parse()?, reference: bounded("reference", &claim.reference)? })
}

fn sections(words: &[String]) -> Result<BTreeSet<Section>, Malformed> {
    let sections: BTreeSet<Section> = words.iter().map(|word| word.parse()).collect::<Result<_, _>>()?;
    if sections.is_empty() || sections.len() != words.len() {
        return Err(Malformed::new("sections", "at least one section, and each only once"));
    }
    Ok(sections)
}

fn bounded(field: &'static str, text: &str) -> Result<String, Malformed> {
    if (1..=limit::TEXT_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(Malformed::new(field, "1 to 256 printable characters"))
    }
}
