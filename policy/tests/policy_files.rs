//! Which sets of policies are refused at load, and what a controller's own policies can do.

#![cfg(test)]

use std::path::{Path, PathBuf};

use weald_policy::{Circumstances, Decision, Engine, PolicyError, PolicyFault, RequesterKind};
use weald_proto::{Digest, Level, OrganisationKind, Predicate, Purpose, RelationshipKind, Section};

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies")
}

/// A copy of the baseline in a folder of its own.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(policies()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

/// Puts a policy into a copy of the baseline, and the file into its manifest.
fn with_policy(text: &str) -> Result<Engine, PolicyError> {
    let folder = copy();
    std::fs::write(folder.path().join("more.cedar"), text).unwrap();
    let manifest = folder.path().join("manifest.json");
    let mut value: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
    value["files"]["more.cedar"] = Digest::of(text.as_bytes()).to_string().into();
    std::fs::write(&manifest, value.to_string()).unwrap();
    Engine::load(folder.path())
}

fn fault(result: Result<Engine, PolicyError>) -> PolicyFault {
    match result {
        Err(PolicyError::Policy { fault, .. }) => fault,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("accepted"),
    }
}

fn local(text: &str) -> Result<Engine, PolicyError> {
    Engine::baseline().unwrap().with_local("own.cedar", text)
}

fn doctor() -> Circumstances {
    Circumstances {
        kind: RequesterKind::Doctor,
        purpose: Purpose::Treatment,
        relationship: Some(RelationshipKind::OpenEncounter),
        break_glass: None,
        requester_organisation: "RVV".parse().unwrap(),
        answering: Some(("RXY".parse().unwrap(), OrganisationKind::MentalHealth)),
    }
}

fn level(decision: &Decision, section: Section) -> Level {
    decision.permit().grant(section).map_or(Level::None, |grant| grant.level)
}

#[test]
fn the_folder_and_what_is_built_in_are_the_same_set() {
    assert_eq!(Engine::load(&policies()).unwrap().version(), Engine::baseline().unwrap().version());
}

#[test]
fn an_incomplete_a_changed_and_an_extra_file_are_refused_by_name() {
    let folder = copy();
    std::fs::remove_file(folder.path().join("purposes.cedar")).unwrap();
    let error = Engine::load(folder.path()).unwrap_err();
    assert!(matches!(&error, PolicyError::Missing { file } if file == "purposes.cedar"), "{error}");

    let folder = copy();
    std::fs::write(folder.path().join("purposes.cedar"), "// nothing is forbidden").unwrap();
    let error = Engine::load(folder.path()).unwrap_err();
    assert!(matches!(&error, PolicyError::Changed { file, .. } if file == "purposes.cedar"), "{error}");

    let folder = copy();
    std::fs::write(folder.path().join("more.cedar"), "permit (principal, action, resource);").unwrap();
    let error = Engine::load(folder.path()).unwrap_err();
    assert!(matches!(&error, PolicyError::Unnamed { file } if file == "more.cedar"), "{error}");
}

#[test]
fn a_policy_that_does_not_parse_is_refused() {
    assert!(matches!(with_policy("forbid (principal"), Err(PolicyError::Syntax { file, .. }) if file == "more.cedar"));
}

#[test]
fn a_policy_that_does_not_validate_strictly_is_refused() {
    for condition in [
        "context.purpose == Purpose::\"CURIOSITY\"",
        "context.relationship == Relationship::\"self_claimed\"",
        "context.nhs_number == \"9990000018\"",
        "context.requester_organisation in OrganisationKind::\"acute\"",
    ] {
        let text = format!("@id(\"a\") @reason(\"b\") forbid (principal, action, resource) when {{ {condition} }};");
        assert!(matches!(with_policy(&text), Err(PolicyError::Invalid { .. })), "{condition}");
    }
}

#[test]
fn a_policy_without_id_or_reason_is_refused() {
    let forbid = "forbid (principal, action, resource);";
    assert_eq!(fault(with_policy(&format!("@reason(\"b\") {forbid}"))), PolicyFault::NoAnnotation("id"));
    assert_eq!(fault(with_policy(&format!("@id(\"a\") {forbid}"))), PolicyFault::NoAnnotation("reason"));
    assert_eq!(fault(with_policy(&format!("@id(\"a\") @reason(\" \") {forbid}"))), PolicyFault::NoAnnotation("reason"));
}

#[test]
fn an_unknown_filter_and_an_unknown_annotation_are_refused() {
    let permit = "permit (principal, action in Action::\"up_to_alert\", resource == Section::\"results\");";
    let with = |annotation: &str| with_policy(&format!("@id(\"a\") @reason(\"b\") {annotation} {permit}"));
    assert_eq!(fault(with("@filter(\"last_four\")")), PolicyFault::UnknownFilter);
    assert_eq!(fault(with("@filter(\"\")")), PolicyFault::UnknownFilter);
    assert_eq!(fault(with("@filters(\"recent\")")), PolicyFault::UnknownAnnotation);
    assert!(with("@filter(\"recent, last_three\")").is_ok());
}

#[test]
fn a_name_that_nothing_has_is_refused() {
    for scope in [
        "principal == RequesterKind::\"docter\", action, resource",
        "principal in RequesterGroup::\"everybody\", action, resource",
        "principal, action, resource == Section::\"gossip\"",
    ] {
        let text = format!("@id(\"a\") @reason(\"b\") forbid ({scope});");
        assert!(matches!(fault(with_policy(&text)), PolicyFault::UnknownName(_)), "{scope}");
    }
    let text = "@id(\"a\") @reason(\"b\") forbid (principal, action, resource)
        when { context.requester_organisation == Organisation::\"rvv\" };";
    assert!(matches!(fault(local(text)), PolicyFault::UnknownName(_)));
}

#[test]
fn a_permit_that_grants_a_single_level_and_a_template_are_refused() {
    let single = "@id(\"a\") @reason(\"b\") permit (principal, action == Action::\"full\", resource);";
    assert_eq!(fault(with_policy(single)), PolicyFault::Ungraded);
    let template = "@id(\"a\") @reason(\"b\") forbid (principal == ?principal, action, resource);";
    assert_eq!(fault(with_policy(template)), PolicyFault::Template);
}

#[test]
fn an_id_can_be_used_only_once() {
    let twice = "@id(\"purpose-research\") @reason(\"b\") forbid (principal, action, resource);";
    assert_eq!(fault(with_policy(twice)), PolicyFault::DuplicateId);
    assert_eq!(fault(local(twice)), PolicyFault::DuplicateId);
}

#[test]
fn a_controllers_own_policies_may_not_permit() {
    let text = "@id(\"own-gift\") @reason(\"b\")
        permit (principal, action in Action::\"up_to_full\", resource);";
    let error = local(text).unwrap_err();
    assert_eq!(error.to_string().split(": ").next(), Some("own.cedar, policy own-gift"));
    assert_eq!(fault(Err(error)), PolicyFault::LocalPermit);
}

#[test]
fn a_controller_may_refuse_a_named_organisation_and_says_why() {
    let engine = local(
        "@id(\"own-not-rvv\") @reason(\"we do not share with this organisation until the review is over\")
         forbid (principal, action, resource) when { context.requester_organisation == Organisation::\"RVV\" };",
    )
    .unwrap();
    let refused = engine.decide(&doctor());
    assert_eq!(refused.refusal().unwrap().policies, ["own-not-rvv"]);
    assert!(refused.refusal().unwrap().text.contains("until the review is over"));
    let other = Circumstances { requester_organisation: "RWF".parse().unwrap(), ..doctor() };
    assert!(engine.decide(&other).refusal().is_none());
    assert!(engine.decide(&doctor()).refusal().is_some(), "decisions for different organisations are remembered apart");
}

#[test]
fn a_controller_may_forbid_one_level_and_leave_those_below() {
    let engine = local(
        "@id(\"own-no-narrative\") @reason(\"our narrative stays here\")
         forbid (principal, action == Action::\"full\", resource == Section::\"mental_health\");",
    )
    .unwrap();
    let decision = engine.decide(&doctor());
    assert_eq!(level(&decision, Section::MentalHealth), Level::Summary);
    assert!(decision.reason(Section::MentalHealth).policies.contains(&"own-no-narrative".to_owned()));
    assert_eq!(level(&decision, Section::Allergies), Level::Full);
}

#[test]
fn forbidding_a_lower_level_leaves_no_wider_one_standing() {
    let engine = local(
        "@id(\"own-slip\") @reason(\"b\")
         forbid (principal, action == Action::\"alert\", resource == Section::\"mental_health\");",
    )
    .unwrap();
    assert_eq!(level(&engine.decide(&doctor()), Section::MentalHealth), Level::Contact);
}

#[test]
fn an_evaluation_error_is_a_denial_of_whatever_it_might_have_forbidden() {
    let engine = local(
        "@id(\"own-broken\") @reason(\"b\")
         forbid (principal, action, resource == Section::\"results\") when { 9223372036854775807 + 1 > 0 };",
    )
    .unwrap();
    let decision = engine.decide(&doctor());
    assert_eq!(level(&decision, Section::Results), Level::None);
    assert_eq!(decision.reason(Section::Results).policies, ["own-broken"]);
    assert!(decision.reason(Section::Results).text.contains("could not be evaluated"));
    assert_eq!(level(&decision, Section::Allergies), Level::Full);
}

#[test]
fn when_several_policies_permit_every_filter_of_every_one_applies() {
    let engine = with_policy(
        "@id(\"a\") @reason(\"b\") @filter(\"recent,active\")
         permit (principal == RequesterKind::\"doctor\", action in Action::\"up_to_full\", resource == Section::\"results\");",
    )
    .unwrap();
    let decision = engine.decide(&doctor());
    let grant = decision.permit().grant(Section::Results).unwrap();
    assert_eq!(grant.level, Level::Full);
    assert!(grant.filter.asks(Predicate::Recent) && grant.filter.asks(Predicate::Active));
    assert_eq!(decision.reason(Section::Results).policies, ["a", "clinician-investigations"]);
}

#[test]
fn the_version_names_the_local_policies_too() {
    let forbid = |reason: &str| format!("@id(\"a\") @reason(\"{reason}\") forbid (principal, action, resource);");
    let baseline = Engine::baseline().unwrap();
    let (one, other) = (local(&forbid("one")).unwrap(), local(&forbid("other")).unwrap());
    assert!(one.version().starts_with(baseline.version()));
    assert_ne!(one.version(), baseline.version());
    assert_ne!(one.version(), other.version());
}

#[test]
fn a_decision_is_made_once_for_all_organisations_that_no_policy_names() {
    let engine = Engine::baseline().unwrap();
    let here = engine.decide(&doctor());
    let there = engine.decide(&Circumstances { requester_organisation: "RPA".parse().unwrap(), ..doctor() });
    assert!(std::sync::Arc::ptr_eq(&here, &there));
    let own = engine.decide(&Circumstances { requester_organisation: "RXY".parse().unwrap(), ..doctor() });
    assert!(!std::sync::Arc::ptr_eq(&here, &own), "an organisation that asks itself is another case");
}
