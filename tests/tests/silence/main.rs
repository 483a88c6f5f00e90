//! Nothing that broker, nodes or client write says anything about the people.
//!
//! One process can have one listener, so everything is one test: a federation over the population,
//! through refusals and faults, at trace level of every crate; then a leak is planted in each place
//! where one could be, and found.

#![cfg(test)]

mod ask;
mod talkative;
mod world;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use weald_proto::{FamilyName, Outcome, Purpose, Section};
use weald_tests::federation::AssertionDraft;
use weald_tests::population::{EAST_KENT, HOPFIELD, MENTAL_HEALTH, Person, WEST_KENT};
use weald_tests::silence::{Channel, Leak, Recorder, SecretKind, Secrets};
use weald_viewer::ViewError;

use crate::ask::{Asker, doctor, everybody, ods};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_written_says_anything_about_the_people_and_a_planted_leak_is_found() {
    let people = world::people();
    let mut secrets = Secrets::of(&people).unwrap();
    let recorder = Recorder::install().unwrap();
    let mut world = World::build(people, &recorder).await;

    let mut asker = Asker { world: &world, recorder: &recorder, secrets: &mut secrets };
    views(&mut asker).await;
    refusals(&mut asker).await;
    trouble(&mut world, &recorder, &mut secrets).await;
    let (people, folder) = (world.people, world.folder);
    world.federation.stop().await.unwrap();
    only_audit_logs(folder.path());

    let recording = recorder.take();
    heard(recording.text(Channel::Log));
    let leaks = recording.leaks(&secrets);
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), listed(&leaks));
    planted(&recorder, &secrets, &people[0]).await;
}

async fn views(asker: &mut Asker<'_>) {
    let first = asker.world.people[0].identity.patient().unwrap();
    for draft in everybody(&first) {
        let view = asker.view(&draft).await.unwrap();
        asker.recorder.value(&view.section(Section::Demographics).map(|section| format!("{section:?}")));
    }
    asker.watch(&doctor(first)).await;
    for person in &asker.world.people[1..] {
        asker.view(&doctor(person.identity.patient().unwrap())).await.unwrap();
    }
}

async fn refusals(asker: &mut Asker<'_>) {
    let (first, second) = (&asker.world.people[0], &asker.world.people[1]);
    let patient = first.identity.patient().unwrap();
    let research = AssertionDraft { purpose: Purpose::Research, ..doctor(patient.clone()) };
    assert!(matches!(asker.view(&research).await, Err(ViewError::Refused { .. })));

    let mut mistaken = patient.clone();
    mistaken.birth_date = second.identity.patient().unwrap().birth_date;
    let view = asker.view(&doctor(mistaken)).await.unwrap();
    assert_eq!(view.organisations()[&ods(&HOPFIELD)].outcome(), Outcome::IdentityMismatch);
    let mut misnamed = patient.clone();
    misnamed.family_name = FamilyName::parse("Nobody").unwrap();
    asker.view(&doctor(misnamed)).await.unwrap();

    let (number, name, date) = (&first.identity.nhs_number, &first.identity.name.text, &first.identity.birth_date);
    let header = "eyJhbGciOiJFZERTQSJ9";
    let note = format!("{name} {number} {date}");
    for field in ["iss", "role", "purpose", "aud", "jti", "iat", "exp", "cnf", "sections", "patient", "extra"] {
        let token = asker.altered(&patient, |claims| claims[field] = json!(note));
        asker.refused(&token).await;
    }
    for field in ["nhs_number", "birth_date", "family_name", "extra"] {
        let token = asker.altered(&patient, |claims| claims["patient"][field] = json!(note.repeat(20)));
        asker.refused(&token).await;
    }
    let token = asker.altered(&patient, |claims| claims["sections"] = json!([name]));
    asker.refused(&token).await;
    for claims in [note.as_str(), &format!("{{\"{name}\":\"{number}\"}}"), &format!("{{\"iss\":\"{number}")] {
        let token = asker.sealed(header, claims);
        asker.refused(&token).await;
    }
    asker.refused(&number.repeat(3)).await;
    asker.put_to_node(note.as_bytes()).await;
    asker.astray(&doctor(patient)).await;
}

async fn trouble(world: &mut World, recorder: &Recorder, secrets: &mut Secrets) {
    let patient = world.people[0].identity.patient().unwrap();
    world.federation.stop_node(&ods(&WEST_KENT)).await;
    world.federation.faults(&ods(&MENTAL_HEALTH)).unwrap().slow_by(Duration::from_secs(5));
    world.altering.store(true, Ordering::SeqCst);
    world.federation.node_log_faults(&ods(&HOPFIELD)).unwrap().fail_flushes();
    let mut asker = Asker { world, recorder, secrets };
    let view = asker.view(&doctor(patient.clone())).await.unwrap();
    let outcome = |organisation| view.organisations()[&ods(organisation)].outcome();
    assert_eq!(outcome(&WEST_KENT), Outcome::Unreachable);
    assert_ne!(outcome(&EAST_KENT), Outcome::Answered, "an altered answer is none");
    assert_ne!(outcome(&HOPFIELD), Outcome::Answered, "what cannot be recorded does not leave");

    world.federation.broker_log_faults().fail_flushes();
    let mut asker = Asker { world, recorder, secrets };
    assert!(matches!(asker.view(&doctor(patient)).await, Err(ViewError::Refused { .. })));
}

/// Beside the sources, which the test wrote, there are audit logs and nothing else to be searched.
fn only_audit_logs(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let is_log = entry.path().extension().is_some_and(|extension| extension == "audit");
        assert!(is_log || entry.file_type().unwrap().is_dir(), "who wrote {}?", entry.path().display());
    }
}

/// Who never spoke was not listened to.
fn heard(log: &str) {
    for crate_ in ["weald_broker", "weald_node", "h2::", "TRACE", "DEBUG"] {
        assert!(log.contains(crate_), "nothing of {crate_}");
    }
    for event in [
        "part of a bundle folder is not used",
        "part of a database cannot be used",
        "view refused",
        "query refused",
        "no answer",
        "audit log cannot be written",
    ] {
        assert!(log.contains(event), "not heard: {event}");
    }
}

/// Log line, span field, metric label, error message, panic.
async fn planted(recorder: &Recorder, secrets: &Secrets, person: &Person) {
    let identity = &person.identity;
    let expect = |kind, channel, before: &str| {
        let leaks = recorder.take().leaks(secrets);
        let is_it = |leak: &Leak| leak.kind == kind && leak.channel == channel && leak.before.contains(before);
        assert!(leaks.iter().any(is_it), "no {kind:?} in {channel:?} after {before:?}:\n{}", listed(&leaks));
    };
    expect_none(recorder, secrets);

    tracing::trace!("admitted {}", identity.nhs_number);
    expect(SecretKind::NhsNumber, Channel::Log, "admitted ");
    tracing::info!(born = %identity.birth_date, "admitted");
    expect(SecretKind::BirthDate, Channel::Log, "born=");
    drop(tracing::trace_span!("lonely", family = ?identity.name.family));
    expect(SecretKind::Name, Channel::Log, "lonely{family=");
    tracing::info_span!("around", family = %identity.name.family).in_scope(|| tracing::debug!("inside"));
    expect(SecretKind::Name, Channel::Log, "around{family=");

    metrics::counter!("weald_views", "patient" => identity.nhs_number.clone()).increment(1);
    expect(SecretKind::NhsNumber, Channel::Metric, "weald_views patient=");
    metrics::describe_gauge!("weald_people", format!("people like {}", identity.name.text));
    expect(SecretKind::Name, Channel::Metric, "people like ");

    talkative::refuse_twice(&identity.nhs_number).await;
    let leaks = recorder.take().leaks(secrets);
    for before in ["no row for ", "no details of "] {
        let is_it = |leak: &Leak| leak.channel == Channel::Error && leak.before.contains(before);
        assert!(leaks.iter().any(is_it), "nothing after {before:?}:\n{}", listed(&leaks));
    }

    let cause = std::io::Error::other(format!("no row for {}", identity.nhs_number));
    recorder.error(&ViewError::Failed(Box::new(tonic::Status::from_error(Box::new(cause)))));
    expect(SecretKind::NhsNumber, Channel::Error, "no row for ");
    let number = identity.nhs_number.clone();
    let panicked = tokio::spawn(async move { panic!("cannot happen to {number}") }).await;
    assert!(panicked.is_err());
    expect(SecretKind::NhsNumber, Channel::Panic, "cannot happen to ");
}

fn expect_none(recorder: &Recorder, secrets: &Secrets) {
    let leaks = recorder.take().leaks(secrets);
    assert!(leaks.is_empty(), "{}", listed(&leaks));
}

fn listed(leaks: &[Leak]) -> String {
    let mut lines: Vec<String> = leaks.iter().map(ToString::to_string).collect();
    lines.sort();
    lines.dedup();
    lines.truncate(60);
    lines.join("\n")
}
