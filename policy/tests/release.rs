//! What each level keeps of each kind of item, with every field filled.
//!
//! Fields that a summary keeps hold words that begin with `fact-`; those that it drops, `narrative-`. Each ends with a full stop.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use prost::Message as _;
use weald_policy::{Circumstances, Engine, Permit, Released, RequesterKind, release};
use weald_proto::wire::item::Detail;
use weald_proto::{Filter, Grant, Level, Predicate, Purpose, RelationshipKind, Section, Timestamp, wire};

const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

const MARKERS: [&str; 4] = ["fact-", "narrative-", "contact-", "status-"];

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::baseline().unwrap());

fn fact(name: &str) -> String {
    format!("fact-{name}.")
}

fn narrative(name: &str) -> String {
    format!("narrative-{name}.")
}

fn coding(name: &str) -> wire::Coding {
    wire::Coding { display: fact(name), ..Default::default() }
}

fn author(name: &str) -> wire::Author {
    wire::Author {
        id: narrative(&format!("{name}-id")),
        name: narrative(&format!("{name}-name")),
        role: narrative(&format!("{name}-role")),
        organisation: fact(&format!("{name}-organisation")),
    }
}

fn telecom(value: &str) -> wire::Telecom {
    wire::Telecom { value: value.into(), ..Default::default() }
}

fn amount(name: &str) -> wire::Quantity {
    wire::Quantity { value: fact(name), ..Default::default() }
}

fn item(detail: Detail) -> wire::Item {
    wire::Item {
        source_system: fact("system"),
        source_record_id: fact("id"),
        source_version: fact("version"),
        source_updated: fact("updated"),
        codes: vec![coding("code")],
        text: fact("text"),
        status: "status-word.".into(),
        effective_start: fact("start"),
        effective_end: fact("end"),
        recorded_at: fact("recorded"),
        recorder: Some(author("recorder")),
        asserter: Some(wire::Author { organisation: narrative("asserter"), ..Default::default() }),
        labels: vec![coding("label")],
        notes: vec![narrative("note")],
        contact: Some(wire::Contact {
            name: "contact-name.".into(),
            telecoms: vec![telecom("contact-telecom.")],
            ..Default::default()
        }),
        identifiers: vec![wire::Identifier { value: fact("identifier"), ..Default::default() }],
        raw_digest: narrative("digest").into_bytes(),
        subject_unresolved: true,
        entered_in_error: true,
        detail: Some(detail),
    }
}

/// One item of each kind, in a section where it belongs.
fn items() -> Vec<(Section, wire::Item)> {
    let mut items = of_the_person();
    items.extend(of_care());
    items.extend(of_services());
    items.into_iter().map(|(section, detail)| (section, item(detail))).collect()
}

fn of_the_person() -> Vec<(Section, Detail)> {
    let name = |text: &str| wire::HumanName { text: text.into(), ..Default::default() };
    let address = || wire::Address { text: narrative("address"), ..Default::default() };
    let demographics = wire::Demographics {
        names: vec![name("fact-name.")],
        birth_date: fact("birth"),
        gender: fact("gender"),
        addresses: vec![address()],
        telecoms: vec![telecom("narrative-telecom.")],
        deceased: fact("deceased"),
        ethnic_category: Some(wire::Coding { display: narrative("ethnic"), ..Default::default() }),
        languages: vec![narrative("language")],
        gp_practice: Some(wire::Contact { organisation: fact("practice"), ..Default::default() }),
        marital_status: narrative("marital"),
        nhs_number_status: fact("verified"),
    };
    let related = wire::RelatedPerson {
        name: Some(name("contact-of-kin.")),
        relationships: vec![wire::Coding { display: "contact-relationship.".into(), ..Default::default() }],
        telecoms: vec![telecom("contact-kin-telecom.")],
        address: Some(address()),
        rank: 1,
        gender: narrative("gender"),
        birth_date: narrative("birth"),
    };
    let member = wire::CareTeamMember {
        member: Some(wire::Author { name: "contact-member.".into(), ..Default::default() }),
        role: "contact-role.".into(),
        telecoms: vec![telecom("contact-member-telecom.")],
    };
    let team = wire::CareTeam { name: "contact-team.".into(), members: vec![member], reason: narrative("reason") };
    let place =
        wire::CurrentLocation { place: fact("place"), class: Some(coding("class")), provider: fact("provider") };
    vec![
        (Section::Demographics, Detail::Demographics(demographics)),
        (Section::RelatedPeople, Detail::RelatedPerson(related)),
        (Section::CareTeam, Detail::CareTeam(team)),
        (Section::Location, Detail::CurrentLocation(place)),
    ]
}

fn of_care() -> Vec<(Section, Detail)> {
    let reaction = |manifestations: Vec<wire::Coding>, text: String| wire::Reaction {
        manifestations,
        text,
        severity: fact("reaction-severity"),
    };
    let allergy = wire::Allergy {
        substance: Some(coding("substance")),
        reactions: vec![
            reaction(vec![coding("manifestation")], narrative("reaction")),
            reaction(vec![], fact("words")),
        ],
        severity: fact("severity"),
        certainty: fact("certainty"),
        categories: vec![fact("category")],
        kind: fact("kind"),
        is_negation: true,
        is_degraded: true,
        ended: true,
        end_reason: narrative("end"),
        last_occurrence: fact("last"),
    };
    let medication = wire::Medication {
        dose_text: fact("dose-text"),
        dose: Some(amount("dose")),
        frequency: fact("frequency"),
        route: Some(coding("route")),
        form: fact("form"),
        prescriber_organisation_type: fact("prescriber"),
        last_issue_date: fact("issued"),
        supply_type: fact("supply"),
        as_needed: true,
        review_date: fact("review"),
        reason: narrative("reason"),
        record_kind: fact("record"),
        is_negation: true,
    };
    let condition = wire::Condition {
        certainty: fact("certainty"),
        severity: fact("severity"),
        categories: vec![coding("category")],
        significance: fact("significance"),
        body_site: fact("site"),
        is_negation: true,
    };
    let procedure = wire::Procedure {
        body_site: fact("site"),
        outcome: narrative("outcome"),
        reason: narrative("reason"),
        category: Some(coding("category")),
    };
    let text = |text: String| Some(wire::Value { kind: Some(wire::value::Kind::Text(text)) });
    let component = |value| wire::Component { codes: vec![coding("part")], text: fact("part-text"), value };
    let result = wire::Result {
        value: Some(wire::Value { kind: Some(wire::value::Kind::Quantity(amount("value"))) }),
        reference_range: fact("range"),
        interpretation: fact("interpretation"),
        report_status: fact("report"),
        specimen_time: fact("specimen"),
        comment: narrative("comment"),
        categories: vec![coding("category")],
        components: vec![
            component(text(fact("short"))),
            component(text(format!("{} {}", narrative("long"), "x".repeat(99)))),
        ],
        members: vec![fact("member")],
        absent_reason: fact("absent"),
    };
    let immunisation = wire::Immunisation {
        dose_number: fact("number"),
        lot_number: fact("lot"),
        site: fact("site"),
        route: Some(coding("route")),
        manufacturer: fact("maker"),
        not_given_reason: narrative("reason"),
        target_diseases: vec![coding("disease")],
        dose: Some(amount("dose")),
    };
    vec![
        (Section::Allergies, Detail::Allergy(allergy)),
        (Section::Alerts, Detail::Alert(wire::Alert { categories: vec![coding("category")] })),
        (Section::Medications, Detail::Medication(medication)),
        (Section::Conditions, Detail::Condition(condition)),
        (Section::Procedures, Detail::Procedure(procedure)),
        (Section::Results, Detail::Result(result)),
        (Section::Immunisations, Detail::Immunisation(immunisation)),
    ]
}

fn of_services() -> Vec<(Section, Detail)> {
    let encounter = wire::Encounter {
        class: Some(coding("class")),
        provider: fact("provider"),
        reason: narrative("reason"),
        location: fact("location"),
        admission_method: fact("admission"),
        discharge_method: fact("discharge"),
        service_type: fact("service"),
    };
    let referral = wire::Referral {
        requester: Some(author("requester")),
        recipient: Some(author("recipient")),
        priority: fact("priority"),
        reason: narrative("reason"),
        category: Some(coding("category")),
        intent: fact("intent"),
    };
    let document = wire::Document {
        title: fact("title"),
        content_type: fact("type"),
        size_bytes: 7,
        created_at: fact("created"),
        hash: fact("hash"),
        categories: vec![coding("category")],
        url: narrative("url"),
        practice_setting: fact("setting"),
    };
    let plan = wire::CarePlan {
        title: fact("title"),
        categories: vec![coding("category")],
        activities: vec![narrative("activity")],
        intent: fact("intent"),
        addresses: vec![narrative("about")],
        care_team: fact("team"),
    };
    let directive = wire::AdvanceDirective {
        kind: fact("kind"),
        review_date: fact("review"),
        form: narrative("form"),
        provision: fact("provision"),
    };
    let safeguarding = wire::Safeguarding { categories: vec![coding("category")], lead: Some(author("lead")) };
    let case = wire::SocialCare {
        manager: Some(author("manager")),
        services: vec![fact("service")],
        organisation: fact("organisation"),
    };
    let mental_health = wire::MentalHealth {
        legal_status: Some(coding("legal")),
        kind: fact("kind"),
        coordinator: Some(author("coordinator")),
        team: fact("team"),
    };
    vec![
        (Section::Encounters, Detail::Encounter(encounter)),
        (Section::Referrals, Detail::Referral(referral)),
        (Section::Documents, Detail::Document(document)),
        (Section::CarePlans, Detail::CarePlan(plan)),
        (Section::AdvanceDirectives, Detail::AdvanceDirective(directive)),
        (Section::SafeguardingAdult, Detail::Safeguarding(safeguarding)),
        (Section::SocialCareAdult, Detail::SocialCare(case)),
        (Section::MentalHealth, Detail::MentalHealth(mental_health)),
    ]
}

/// A doctor's permit, narrowed to one grant.
fn permit(section: Section, level: Level, predicates: &[Predicate]) -> Permit {
    let decision = ENGINE.decide(&Circumstances {
        kind: RequesterKind::Doctor,
        purpose: Purpose::Treatment,
        relationship: Some(RelationshipKind::RegisteredPractice),
        break_glass: None,
        requester_organisation: "G82001".parse().unwrap(),
        answering: None,
    });
    let grant = Grant { level, filter: Filter::of(predicates.iter().copied()) };
    decision.permit().within(&BTreeMap::from([(section, grant)]))
}

/// The marked words in an encoded item, each from its marker to its full stop.
fn words(item: &wire::Item) -> BTreeSet<String> {
    let bytes = item.encode_to_vec();
    let text = String::from_utf8_lossy(&bytes);
    let marked = MARKERS.iter().flat_map(|marker| text.match_indices(marker));
    marked.filter_map(|(at, _)| text.get(at..)?.split('.').next()).map(str::to_owned).collect()
}

/// What is left of the words of each item at a level, beside those that it had.
fn kept(level: Level) -> Vec<(Section, BTreeSet<String>, BTreeSet<String>)> {
    items()
        .into_iter()
        .map(|(section, item)| {
            let before = words(&item);
            let released = release(&permit(section, level, &[]), section, vec![item], NOW);
            assert_eq!(released.items().len(), 1);
            assert!(released.items()[0].entered_in_error && released.items()[0].subject_unresolved);
            (section, before, words(&released.items()[0]))
        })
        .collect()
}

fn of(words: &BTreeSet<String>, markers: &[&str]) -> BTreeSet<String> {
    words.iter().filter(|word| markers.iter().any(|marker| word.starts_with(marker))).cloned().collect()
}

#[test]
fn full_keeps_every_word() {
    for (section, before, after) in kept(Level::Full) {
        assert_eq!(after, before, "{section}");
    }
}

#[test]
fn summary_keeps_every_fact_and_no_narrative() {
    for (section, before, after) in kept(Level::Summary) {
        assert_eq!(after, of(&before, &["fact-", "contact-", "status-"]), "{section}");
    }
}

#[test]
fn alert_keeps_status_and_contact_and_nothing_else() {
    for (section, before, after) in kept(Level::Alert) {
        assert_eq!(after, of(&before, &["contact-", "status-"]), "{section}");
    }
}

#[test]
fn contact_keeps_whom_to_ask_and_nothing_else() {
    for (section, before, after) in kept(Level::Contact) {
        assert_eq!(after, of(&before, &["contact-"]), "{section}");
    }
}

#[test]
fn a_section_without_a_grant_leaves_with_nothing_and_says_how_much_stayed() {
    let (section, item) = items().swap_remove(0);
    let released = release(&permit(Section::Results, Level::Full, &[]), section, vec![item], NOW);
    assert_eq!((released.level(), released.items().len(), released.removed()), (Level::None, 0, 1));
}

#[test]
fn what_a_filter_takes_away_is_counted_and_the_rest_keeps_its_order() {
    let dated = |id: &str, date: &str| wire::Item {
        source_record_id: id.into(),
        effective_start: date.into(),
        ..Default::default()
    };
    let list = vec![dated("a", "2026"), dated("b", "2019"), dated("c", "2025"), dated("d", "2024")];
    let released =
        release(&permit(Section::Encounters, Level::Summary, &[Predicate::LastThree]), Section::Encounters, list, NOW);
    assert!(!released.conceals());
    assert!(released.filter().asks(Predicate::LastThree));
    let (items, removed) = released.into_parts();
    assert_eq!(items.iter().map(|item| item.source_record_id.as_str()).collect::<Vec<_>>(), ["a", "c", "d"]);
    assert_eq!(removed, 1);
}

#[test]
fn a_grant_of_what_was_released_conceals_whether_or_not_anything_was_removed() {
    let conceals = |items: Vec<wire::Item>| {
        let permit = permit(Section::Results, Level::Full, &[Predicate::Released]);
        release(&permit, Section::Results, items, NOW).conceals()
    };
    assert!(conceals(Vec::new()));
    assert!(conceals(vec![wire::Item::default()]));
}

#[test]
fn debug_prints_no_item() {
    let (section, item) = items().swap_remove(0);
    let released: Released = release(&permit(section, Level::Full, &[]), section, vec![item], NOW);
    assert_eq!(format!("{released:?}"), "Released(demographics, 1 items, 0 removed)");
}
