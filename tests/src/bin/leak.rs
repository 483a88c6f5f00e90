//! Writes something about a person down, as a broker or a node might by mistake, under the watch that
//! every test is under: the process must not come to a good end.
//!
//! The only argument says where the leak is; `nowhere` is well behaved.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use weald_proto::env::Env;
use weald_proto::{
    BirthDate, FamilyName, JobRole, NhsNumber, OdsCode, OrganisationKind, Patient, RelationshipKind, Section, wire,
};
use weald_tests::federation::{AssertionDraft, Federation, MemberSpec, MemoryStore, Source};
use weald_tests::silence::{self, Channel};

/// What the person is allergic to.
const HELD: &str = "Fresh paint";
/// Of somebody whom nobody has mentioned.
const STRANGER: &str = "9990000034";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let place = std::env::args().nth(1).context("where is the leak to be?")?;
    if place == "deaf" {
        tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).init();
    }
    let patient = Patient {
        nhs_number: NhsNumber::parse("9990000018")?,
        birth_date: BirthDate::parse("1950-04-01")?,
        family_name: FamilyName::parse("Ashenhurst")?,
    };
    let folder = tempfile::tempdir()?;
    let token = view(folder.path(), &patient).await?;
    leak(&place, &patient, &token)
}

/// One view in a federation of one.
async fn view(folder: &Path, patient: &Patient) -> anyhow::Result<String> {
    let (env, practice) = (Env::system(), OdsCode::parse("G99001")?);
    let allergy = wire::Item { source_record_id: "a1".into(), text: HELD.into(), ..wire::Item::default() };
    let store = MemoryStore::new(env.clock.now()).knows(patient).holds(patient, Section::Allergies, vec![allergy]);
    let member = MemberSpec {
        organisation: practice.clone(),
        name: "A practice (synthetic)".to_owned(),
        kind: OrganisationKind::GpPractice,
        sections: BTreeSet::from([Section::Allergies]),
        source: Source::Store(Arc::new(store)),
        cache_seconds: 0,
        local_policies: None,
    };
    let federation = Federation::builder(folder, env).member(member).start().await?;
    let role = JobRole::parse("R8000")?;
    let draft =
        AssertionDraft::treatment(practice.clone(), role, RelationshipKind::RegisteredPractice, patient.clone());
    let token = draft.sign(&federation)?;
    federation.viewer(&practice)?.view(&token, &BTreeSet::new()).await?;
    federation.stop().await?;
    Ok(token.expose().to_owned())
}

#[expect(clippy::panic, reason = "one of the leaks is in a panic")]
fn leak(place: &str, patient: &Patient, token: &str) -> anyhow::Result<()> {
    let (number, name) = (patient.nhs_number.expose(), patient.family_name.expose());
    match place {
        "nowhere" | "deaf" => {}
        "line" => tracing::trace!("admitted {number}"),
        "field" => drop(tracing::trace_span!("admission", born = patient.birth_date.expose())),
        "later field" => {
            let span = tracing::trace_span!("admission", family = tracing::field::Empty);
            span.record("family", name.to_uppercase());
        }
        "record" => tracing::debug!(text = HELD, "read"),
        "token" => tracing::debug!(authorization = token, "called"),
        "stranger" => tracing::trace!(number = STRANGER, "nobody"),
        "label" => metrics::counter!("weald_views", "patient" => number.to_owned()).increment(1),
        "error" => silence::hear_error(&std::io::Error::other(format!("no row for {number}"))),
        "output" => silence::hear(Channel::Output, &format!("node: no row for {number}")),
        "panic" => panic!("cannot happen to {number}"),
        _ => bail!("there is no such place"),
    }
    Ok(())
}
