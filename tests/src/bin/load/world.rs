//! The federation under attack, in a process of its own: its broker, and three nodes with records in memory.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use weald_proto::env::Env;
use weald_proto::{OdsCode, OrganisationKind, Section, limit, wire};
use weald_tests::federation::{Federation, MemberSpec, MemoryStore, Source};

use crate::console;
use crate::peer::large;
use crate::place::{self, OwnAddress, patient};

/// The organisation whose views are measured.
pub(crate) const MEASURED: &str = "G99001";
/// The organisation of the hostile peer.
pub(crate) const HOSTILE: &str = "G99002";
/// The organisation of the ordinary viewer.
pub(crate) const ORDINARY: &str = "G99003";
/// Where the measured viewer connects from, ...
pub(crate) const MEASURED_FROM: OwnAddress = OwnAddress(Ipv4Addr::new(127, 0, 0, 1));
/// ... the hostile peer, ...
pub(crate) const HOSTILE_FROM: OwnAddress = OwnAddress(Ipv4Addr::new(127, 0, 0, 2));
/// ... and the ordinary viewer.
pub(crate) const ORDINARY_FROM: OwnAddress = OwnAddress(Ipv4Addr::new(127, 0, 0, 3));
/// The member whose node may be hostile.
pub(crate) const MALICIOUS: &str = "RN7";
/// The one section that the member holds whose node may be hostile; nobody else holds it.
pub(crate) const ITS_SECTION: Section = Section::Documents;
/// Before the address of that node, in an order.
pub(crate) const MEMBER_AT: &str = "member-at ";
/// Said when everything is in place.
pub(crate) const READY: &str = "ready";

/// What each node holds of the person, ten items of each.
const HELD: [Section; 4] = [Section::Allergies, Section::Medications, Section::Conditions, Section::Results];

/// The sections of an ordinary view: all that the three nodes hold.
pub(crate) fn ordinary_sections() -> BTreeSet<Section> {
    HELD.into_iter().collect()
}

/// Runs until the standard input ends, and verifies every audit log in the end.
///
/// # Errors
///
/// When it cannot be started, or an audit log does not verify.
pub(crate) async fn run(folder: &Path, attached: bool) -> anyhow::Result<()> {
    let mut federation = if attached { start_attached(folder).await? } else { start(folder).await? };
    let viewers = [MEASURED, HOSTILE, ORDINARY].map(OdsCode::parse).into_iter().collect::<Result<Vec<_>, _>>()?;
    let malicious = OdsCode::parse(MALICIOUS)?;
    place::publish(&federation, folder, &viewers, std::slice::from_ref(&malicious))?;
    console::line(READY);
    let mut orders = console::orders();
    while let Some(order) = orders.next_line().await? {
        let address = order.strip_prefix(MEMBER_AT).with_context(|| format!("an unknown order: {order}"))?;
        federation.publish(|draft| {
            for member in draft.members.iter_mut().filter(|member| member.organisation == malicious) {
                member.address = Some(address.to_owned());
            }
        })?;
        place::write_register(&federation, folder)?;
        console::line(READY);
    }
    let verified = federation.stop().await?;
    console::line(&format!("{} audit logs verified", verified.len()));
    Ok(())
}

async fn start(folder: &Path) -> anyhow::Result<Federation> {
    let held = ordinary_sections();
    let only = BTreeSet::from([ITS_SECTION]);
    let members = [
        member(MEASURED, OrganisationKind::GpPractice, &held, stored(records()?))?,
        member("RVV", OrganisationKind::Acute, &held, stored(records()?))?,
        member("RYY", OrganisationKind::Community, &held, stored(records()?))?,
        member(HOSTILE, OrganisationKind::GpPractice, &BTreeSet::new(), Source::None)?,
        member(ORDINARY, OrganisationKind::GpPractice, &BTreeSet::new(), Source::None)?,
        member(MALICIOUS, OrganisationKind::Acute, &only, Source::None)?,
    ];
    let builder = Federation::builder(&folder.join("logs"), Env::system());
    members.into_iter().fold(builder, weald_tests::federation::FederationBuilder::member).start().await
}

/// Practice, hospital and community provider, whose nodes dial in and hold more documents than fit in an answer.
async fn start_attached(folder: &Path) -> anyhow::Result<Federation> {
    let mut held = ordinary_sections();
    held.insert(large::SECTION);
    let nodes = [
        (MEASURED, OrganisationKind::GpPractice),
        ("RVV", OrganisationKind::Acute),
        ("RYY", OrganisationKind::Community),
    ];
    let mut builder = Federation::builder(&folder.join("logs"), Env::system());
    for (organisation, kind) in nodes {
        builder = builder.attaching(&OdsCode::parse(organisation)?);
        builder = builder.member(member(organisation, kind, &held, stored(with_documents(records()?)?))?);
    }
    for organisation in [HOSTILE, ORDINARY, MALICIOUS] {
        let only_asks = member(organisation, OrganisationKind::GpPractice, &BTreeSet::new(), Source::None)?;
        builder = builder.member(only_asks);
    }
    builder.start().await
}

fn with_documents(store: MemoryStore) -> anyhow::Result<MemoryStore> {
    let text = "w".repeat(large::TEXT);
    let documents = (0..limit::ANSWER_BYTES / large::TEXT + 1).map(|number| item(&format!("d{number}"), &text));
    Ok(store.holds(&patient()?, large::SECTION, documents.collect()))
}

fn stored(store: MemoryStore) -> Source {
    Source::Store(Arc::new(store))
}

fn member(
    organisation: &str,
    kind: OrganisationKind,
    sections: &BTreeSet<Section>,
    source: Source,
) -> anyhow::Result<MemberSpec> {
    Ok(MemberSpec {
        organisation: OdsCode::parse(organisation)?,
        name: organisation.to_owned(),
        kind,
        sections: sections.clone(),
        source,
        cache_seconds: 0,
        local_policies: None,
    })
}

fn records() -> anyhow::Result<MemoryStore> {
    let patient = patient()?;
    let known = MemoryStore::new(Env::system().clock.now()).knows(&patient);
    Ok(HELD.into_iter().fold(known, |store, section| {
        let items = (0..10).map(|number| item(&format!("{section}-{number}"), "what was recorded"));
        store.holds(&patient, section, items.collect())
    }))
}

/// A record of one thing.
pub(crate) fn item(id: &str, text: &str) -> wire::Item {
    wire::Item {
        source_record_id: id.to_owned(),
        text: text.to_owned(),
        status: "active".to_owned(),
        recorded_at: "2026-01-10".to_owned(),
        ..wire::Item::default()
    }
}
