//! Enrolments: passed on once, judged by the authority alone, and written down.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_audit::{Kind, RecordedEntry};
use weald_certs::{Attachment, Connector, Credentials, LeafKey};
use weald_proto::{Digest, Enrolment, EnrolmentToken, FederationName, Reason, SpiffeId};

use super::{PATIENCE, come, enrolment, new_node, refused, stand_in, world};
use crate::world::{World, allergic_to, hospital, ods, store, three, until};

fn pem(chain: &[CertificateDer<'_>]) -> String {
    let one = |der: &CertificateDer<'_>| {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    };
    chain.iter().map(one).collect()
}

fn enrolments(world: &World) -> Vec<RecordedEntry> {
    world.broker_entries_of(Kind::Enrolment)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_enrols_through_the_broker_and_attaches_with_what_it_got() {
    let world = world().await;
    let (id, key) = (new_node(&world), LeafKey::generate().unwrap());
    let token = stand_in(&world).give_token(&id).unwrap();
    let asked = enrolment(&world, &id, &token, &key);
    let chain = come(&world).await.enrol(&asked, PATIENCE).await.unwrap();
    let credentials = Credentials::from_pem(pem(&chain).as_bytes(), key.to_pem().as_bytes(), &id).unwrap();
    let federation = &world.federation;
    let attachment = Attachment {
        connector: Connector::new(Arc::new(credentials), federation.trust().clone(), federation.env().clone()),
        address: federation.broker_address(),
        broker: federation.broker_id().clone(),
        routes: Routes::default(),
        company: Arc::new(Notify::new()),
    };
    let shutdown = CancellationToken::new();
    let (_, kept) = attachment.keep(shutdown.clone());
    until(|| federation.attached().is_attached(&ods("G82001"))).await;
    shutdown.cancel();
    kept.await.unwrap();
    let [entry] = &enrolments(&world)[..] else { panic!("one entry") };
    assert_eq!(entry.entry.enrolling.as_ref(), Some(&id));
    assert_eq!(entry.entry.certificate_digest, Some(Digest::of(&chain[0])));
    assert!(entry.entry.address.is_some() && entry.entry.peer.is_none());
    let log = std::fs::read(federation.broker_log()).unwrap();
    let spelled = token.expose().as_bytes();
    assert!(!log.windows(spelled.len()).any(|bytes| bytes == spelled), "the token is in the log");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_authority_refuses_is_refused_without_a_second_try_and_its_entry_names_the_party() {
    let world = world().await;
    let (id, key) = (new_node(&world), LeafKey::generate().unwrap());
    let give = || stand_in(&world).give_token(&id).unwrap();
    let good = enrolment(&world, &id, &give(), &key);
    let mut link = come(&world).await;
    link.enrol(&good, PATIENCE).await.unwrap();
    let unknown = EnrolmentToken::parse("k7Jq2Vb0sYw3Zx8Lr5Tn1A".to_owned()).unwrap();
    let of_another = SpiffeId::node(world.federation.name(), &hospital());
    let root = || Digest::of(world.federation.authority().root());
    let mut altered = key.request().unwrap().to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let altered = Enrolment::with_token(&give(), id.clone(), root(), altered);
    let request = key.request().unwrap().to_vec();
    let elsewhere = Enrolment::with_token(&give(), id.clone(), Digest::of(b"another"), request);
    let cases = [
        ("used twice", good.clone(), Reason::EnrolmentRefused),
        ("unknown", enrolment(&world, &id, &unknown, &key), Reason::EnrolmentRefused),
        ("for another", enrolment(&world, &of_another, &give(), &key), Reason::EnrolmentRefused),
        ("another authority", elsewhere, Reason::EnrolmentRefused),
        ("a key that the sender does not show to have", altered, Reason::RequestMalformed),
    ];
    for (number, (words, asked, reason)) in (1..).zip(cases) {
        let answered = link.enrol(&asked, PATIENCE).await;
        assert_eq!(refused(answered), reason, "{words}");
        assert_eq!(stand_in(&world).asked(), 1 + number, "{words}");
        let recorded = || world.broker_entries_of(Kind::Refusal).len();
        until(|| recorded() == number).await;
        let entry = world.broker_entries_of(Kind::Refusal).pop().unwrap().entry;
        assert_eq!((entry.reason, entry.enrolling.as_ref()), (Some(reason), Some(&asked.party)), "{words}");
    }
    assert_eq!(enrolments(&world).len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_has_been_taken_over_cannot_use_an_enrolment_for_another_key_or_party() {
    let world = world().await;
    let (id, key, theirs) = (new_node(&world), LeafKey::generate().unwrap(), LeafKey::generate().unwrap());
    let asked = enrolment(&world, &id, &stand_in(&world).give_token(&id).unwrap(), &key);
    let another = SpiffeId::node(world.federation.name(), &hospital());
    // Of a token of its own it has all; of this one, what passes through its hands.
    let own = stand_in(&world).give_token(&another).unwrap();
    let own = enrolment(&world, &another, &own, &theirs);
    let cases = [
        ("another key", Enrolment { certificate_request: theirs.request().unwrap().to_vec(), ..asked.clone() }),
        ("another party", Enrolment { party: another, ..asked.clone() }),
        ("the proof of another token", Enrolment { party: id.clone(), ..own }),
    ];
    let mut link = come(&world).await;
    for (words, forged) in cases {
        assert_eq!(refused(link.enrol(&forged, PATIENCE).await), Reason::EnrolmentRefused, "{words}");
    }
    let chain = link.enrol(&asked, PATIENCE).await.expect("nothing of that used the token up");
    Credentials::from_pem(pem(&chain).as_bytes(), key.to_pem().as_bytes(), &id).unwrap();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_never_reaches_the_authority() {
    let world = world().await;
    let (id, key) = (new_node(&world), LeafKey::generate().unwrap());
    let good = enrolment(&world, &id, &stand_in(&world).give_token(&id).unwrap(), &key);
    let elsewhere = FederationName::parse("sussex.weald.example").unwrap();
    let authority = SpiffeId::authority(world.federation.name());
    let cases = [
        Enrolment { certificate_request: b"no request".to_vec(), ..good.clone() },
        Enrolment { certificate_request: vec![0x30; 5000], ..good.clone() },
        Enrolment { party: SpiffeId::node(&elsewhere, &ods("G82001")), ..good.clone() },
        Enrolment { party: authority, ..good.clone() },
    ];
    let mut link = come(&world).await;
    for asked in cases {
        assert_eq!(refused(link.enrol(&asked, PATIENCE).await), Reason::RequestMalformed);
    }
    assert_eq!(stand_in(&world).asked(), 0);
    link.enrol(&good, PATIENCE).await.unwrap();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_authority_or_when_it_is_down_that_is_said_and_files_are_served_all_the_same() {
    let without = World::of(three(allergic_to("penicillin"), store(), store())).await;
    let mut down = world().await;
    let token = || EnrolmentToken::parse("k7Jq2Vb0sYw3Zx8Lr5Tn1A".to_owned()).unwrap();
    let key = LeafKey::generate().unwrap();
    down.federation.stop_authority().await;
    for (world, reason) in [(without, Reason::EnrolmentNotOffered), (down, Reason::AuthorityUnavailable)] {
        let mut link = come(&world).await;
        let asked = enrolment(&world, &new_node(&world), &token(), &key);
        assert_eq!(refused(link.enrol(&asked, PATIENCE).await), reason);
        let anchor = world.federation.anchor();
        assert!(link.register(anchor, None, PATIENCE).await.unwrap().is_some());
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_authority_holds_so_many_enrolments_and_each_for_so_long() {
    let world = world().await;
    let (id, key) = (new_node(&world), LeafKey::generate().unwrap());
    let stand_in = stand_in(&world);
    stand_in.hold(true);
    let asked = enrolment(&world, &id, &stand_in.give_token(&id).unwrap(), &key);
    let [mut link, mut other] = [come(&world).await, come(&world).await];
    let (first, again) = (asked.clone(), asked);
    let under_way = tokio::spawn(async move { refused(link.enrol(&first, PATIENCE).await) });
    until(|| stand_in.asked() == 1).await;
    // Of this address.
    let one_more = other.enrol(&again, PATIENCE).await;
    assert_eq!(refused(one_more), Reason::TooManyRequests);
    assert_eq!(under_way.await.unwrap(), Reason::AuthorityUnavailable);
    assert_eq!(stand_in.asked(), 1, "no enrolment is tried twice");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_issued_is_written_down_though_whoever_asked_has_hung_up() {
    let world = world().await;
    let (id, key) = (new_node(&world), LeafKey::generate().unwrap());
    let stand_in = stand_in(&world);
    stand_in.hold(true);
    let asked = enrolment(&world, &id, &stand_in.give_token(&id).unwrap(), &key);
    let mut link = come(&world).await;
    let impatient = tokio::spawn(async move { link.enrol(&asked, Duration::from_secs(60)).await });
    until(|| stand_in.asked() == 1).await;
    impatient.abort();
    until(|| world.federation.strangers().unwrap().connections() == 0).await;
    stand_in.hold(false);
    until(|| enrolments(&world).len() == 1).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_down_does_not_leave_and_no_more_is_asked_for() {
    let world = world().await;
    let (id, key) = (new_node(&world), LeafKey::generate().unwrap());
    let mut link = come(&world).await;
    world.federation.broker_log_faults().fail_flushes();
    for _ in 0..3 {
        let asked = enrolment(&world, &id, &stand_in(&world).give_token(&id).unwrap(), &key);
        assert_eq!(refused(link.enrol(&asked, PATIENCE).await), Reason::AuditUnavailable);
        assert_eq!(stand_in(&world).asked(), 1, "no token is used up for nothing");
    }
    world.end().await;
}
