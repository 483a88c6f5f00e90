//! Who looks, and from where: one assertion for each kind of requester.

use anyhow::Context as _;
use weald_policy::{Engine, RequesterKind};
use weald_proto::{JobRole, OdsCode, Patient, RelationshipKind, Requester};
use weald_tests::federation::AssertionDraft;
use weald_tests::population::{AMBULANCE, COMMUNITY, EAST_KENT, HOPFIELD, Organisation, SOCIAL_CARE};

/// An assertion for a role, by job-role code or by the word for a kind of requester.
///
/// # Errors
///
/// When the role is in no row of the role table.
pub(crate) fn draft(role: &str, patient: &Patient) -> anyhow::Result<AssertionDraft> {
    let engine = Engine::baseline()?;
    let kind = RequesterKind::ALL.iter().copied().find(|kind| kind.as_str() == role);
    let (kind, code) = match kind {
        Some(kind) => (kind, code_of(kind).to_owned()),
        None => (kind_of(&engine, role)?, role.to_owned()),
    };
    if kind == RequesterKind::Citizen {
        return Ok(AssertionDraft::own(ods(&HOPFIELD)?, patient.clone()));
    }
    let (organisation, relationship) = place_of(kind);
    Ok(AssertionDraft::treatment(ods(organisation)?, JobRole::parse(&code)?, relationship, patient.clone()))
}

fn ods(organisation: &Organisation) -> anyhow::Result<OdsCode> {
    Ok(OdsCode::parse(organisation.ods)?)
}

fn kind_of(engine: &Engine, code: &str) -> anyhow::Result<RequesterKind> {
    let role = JobRole::parse(code).with_context(|| format!("--role {code}"))?;
    let probe = Requester::Professional {
        user: "u-1".into(),
        name: "Robin Example".into(),
        role,
        organisation: ods(&HOPFIELD)?,
        team: None,
    };
    engine.roles().kind_of(&probe).ok().with_context(|| {
        let words: Vec<&str> = RequesterKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("--role {code}: no row of the role table has it; or one of {}", words.join(", "))
    })
}

/// A job-role code for each kind.
fn code_of(kind: RequesterKind) -> &'static str {
    match kind {
        RequesterKind::Doctor => "R0260",
        RequesterKind::Nurse => "R8001",
        RequesterKind::Ahp => "R8003",
        RequesterKind::Paramedic => "R1070",
        RequesterKind::AdultSocialWorker => "R8014",
        RequesterKind::ChildSocialWorker => "R9520",
        RequesterKind::CareHomeManager => "L-CHM",
        RequesterKind::CareWorker => "L-HCW",
        RequesterKind::Receptionist => "R1730",
        RequesterKind::PrivacyOfficer => Requester::PRIVACY_OFFICER_ROLE,
        RequesterKind::Citizen => "",
    }
}

/// Where each kind works in this federation, and what makes the person their business.
fn place_of(kind: RequesterKind) -> (&'static Organisation, RelationshipKind) {
    match kind {
        RequesterKind::Doctor | RequesterKind::Receptionist | RequesterKind::Citizen => {
            (&HOPFIELD, RelationshipKind::RegisteredPractice)
        }
        RequesterKind::Nurse => (&COMMUNITY, RelationshipKind::OpenReferral),
        RequesterKind::Ahp => (&EAST_KENT, RelationshipKind::OpenEncounter),
        RequesterKind::Paramedic => (&AMBULANCE, RelationshipKind::AmbulanceIncident),
        RequesterKind::AdultSocialWorker | RequesterKind::ChildSocialWorker => {
            (&SOCIAL_CARE, RelationshipKind::OpenSocialCareCase)
        }
        RequesterKind::CareHomeManager => (&SOCIAL_CARE, RelationshipKind::ResidentOfCareHome),
        RequesterKind::CareWorker => (&SOCIAL_CARE, RelationshipKind::CareTeamMember),
        RequesterKind::PrivacyOfficer => (&EAST_KENT, RelationshipKind::OpenEncounter),
    }
}
