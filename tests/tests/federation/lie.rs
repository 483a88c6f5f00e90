//! A member's node that lies: what it sends is shown to nobody, and costs only itself.

use prost::Message as _;
use weald_proto::{Digest, NoAnswer, Outcome, Section, SectionState, limit, wire};
use weald_tests::federation::alter;
use weald_viewer::View;

use crate::impostor::{Lying, LyingNode};
use crate::world::{
    World, allergic_to, community, doctor, hospital, item, only, other_patient, patient, practice, shown, store, three,
};

/// A federation in which the hospital holds two sections, and lies.
struct Liars {
    world: World,
    node: LyingNode,
}

impl Liars {
    async fn gather() -> Self {
        let hospitals = allergic_to("latex").holds(&patient(), Section::Conditions, vec![item("c1", "Asthma")]);
        let mut world = World::of(three(allergic_to("penicillin"), hospitals, store())).await;
        let node = LyingNode::in_place_of(&mut world, &hospital()).await;
        Liars { world, node }
    }

    async fn view(&self) -> View {
        let draft = only(doctor(), &[Section::Allergies, Section::Conditions, Section::Results]);
        self.world.view(&draft).await.unwrap()
    }

    /// Tells that lie: the broker must mark the answer as invalid, show nothing of it, and pass on
    /// what the others say. Gives the broker's reason.
    async fn tell(&self, what: &str, lie: impl FnMut(&Lying, wire::Answer) -> wire::Answer + Send + 'static) -> String {
        let reads = self.world.reads(&hospital());
        self.node.lies(lie);
        let view = self.view().await;
        assert_eq!(self.world.reads(&hospital()), reads + 1, "{what}: it was asked");
        let came = &view.organisations()[&hospital()];
        assert_eq!(came.outcome(), Outcome::Invalid, "{what}");
        assert!(came.statement().is_none(), "{what}");
        for organisation in [practice(), community()] {
            assert_eq!(view.organisations()[&organisation].outcome(), Outcome::Answered, "{what}");
        }
        assert_eq!(shown(&view, Section::Allergies), [(practice().to_string(), "a1".to_owned())], "{what}");
        for section in [Section::Conditions, Section::Results] {
            let completeness = &view.completeness()[&section];
            assert!(shown(&view, section).is_empty(), "{what}");
            assert_eq!(completeness.state, weald_proto::RolledState::Unknown, "{what}");
            assert!(!completeness.answered.contains(&hospital()), "{what}");
        }
        came.reason_code().to_owned()
    }
}

pub(crate) fn part_of(answer: &mut wire::Answer, section: Section) -> &mut wire::OpaquePart {
    answer.parts.iter_mut().find(|part| part.section == section.to_wire()).expect("a part")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_answer_from_the_same_place_is_shown() {
    let liars = Liars::gather().await;
    let view = liars.view().await;
    assert_eq!(view.organisations()[&hospital()].outcome(), Outcome::Answered);
    assert_eq!(shown(&view, Section::Conditions), [(hospital().to_string(), "c1".to_owned())]);
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_altered_in_one_part_is_invalid() {
    let liars = Liars::gather().await;
    liars
        .tell("a byte of a part", |_, mut answer| {
            alter(&mut part_of(&mut answer, Section::Allergies).content);
            answer
        })
        .await;
    liars
        .tell("a byte of the statement", |_, mut answer| {
            *answer.statement.as_mut().unwrap().payload.last_mut().unwrap() ^= 1;
            answer
        })
        .await;
    liars
        .tell("a byte of the identity block", |_, mut answer| {
            *answer.identity.last_mut().unwrap() ^= 1;
            answer
        })
        .await;
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_a_part_missing_doubled_swapped_or_unstated_is_invalid() {
    let liars = Liars::gather().await;
    liars
        .tell("a part is missing", |_, mut answer| {
            answer.parts.pop();
            answer
        })
        .await;
    liars
        .tell("a part comes twice", |_, mut answer| {
            answer.parts.push(answer.parts[0].clone());
            answer
        })
        .await;
    liars
        .tell("two parts have changed places", |_, mut answer| {
            let [one, other] = &mut answer.parts[..] else { panic!("two parts") };
            std::mem::swap(&mut one.content, &mut other.content);
            answer
        })
        .await;
    liars
        .tell("a part of a section that has none", |_, mut answer| {
            let content = answer.parts[0].content.clone();
            answer.parts.push(wire::OpaquePart { section: Section::Results.to_wire(), content });
            answer
        })
        .await;
    liars
        .tell("a part of a section that nobody asked for", |_, mut answer| {
            let content = answer.parts[0].content.clone();
            answer.parts.push(wire::OpaquePart { section: Section::MentalHealth.to_wire(), content });
            answer
        })
        .await;
    liars
        .tell("a part of no section", |_, mut answer| {
            answer.parts[0].section = 99;
            answer
        })
        .await;
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_another_query_is_invalid() {
    let liars = Liars::gather().await;
    let mut first = None;
    let mut replay = move |_: &Lying, answer: wire::Answer| first.get_or_insert(answer).clone();
    let lying = std::sync::Arc::new(std::sync::Mutex::new(move |lying: &Lying, answer| replay(lying, answer)));
    let told = std::sync::Arc::clone(&lying);
    liars.node.lies(move |lying, answer| (told.lock().unwrap())(lying, answer));
    assert_eq!(liars.view().await.organisations()[&hospital()].outcome(), Outcome::Answered);
    liars.tell("the answer to the query before", move |query, answer| (lying.lock().unwrap())(query, answer)).await;
    liars
        .tell("a statement that cites another query", |lying, answer| {
            lying.restate(answer, |statement| statement.query_digest = Digest::of(b"another"))
        })
        .await;
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_the_wrong_count_is_invalid() {
    let liars = Liars::gather().await;
    for count in [0, 2, 30_000] {
        liars
            .tell("another count", move |lying, answer| {
                lying.restate(answer, |statement| {
                    statement.sections.get_mut(&Section::Allergies).unwrap().item_count = count;
                })
            })
            .await;
    }
    liars
        .tell("none recorded, with items", |lying, answer| {
            lying.restate(answer, |statement| {
                statement.sections.get_mut(&Section::Allergies).unwrap().state = SectionState::NoneRecorded;
            })
        })
        .await;
    liars
        .tell("present, without items", |lying, answer| {
            lying.restate(answer, |statement| {
                statement.sections.get_mut(&Section::Results).unwrap().state = SectionState::Present;
            })
        })
        .await;
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_another_organisation_signed_is_invalid() {
    let liars = Liars::gather().await;
    let practices = liars.world.federation.statement_key(&practice()).unwrap().clone();
    let key = practices.clone();
    liars.tell("signed by another organisation", move |lying, answer| lying.restate_with(&key, answer, |_| ())).await;
    liars
        .tell("signed by another organisation in its own name", move |lying, answer| {
            lying.restate_with(&practices, answer, |statement| statement.organisation = practice())
        })
        .await;
    liars
        .tell("in the name of another organisation", |lying, answer| {
            lying.restate(answer, |statement| statement.organisation = practice())
        })
        .await;
    liars
        .tell("signed with a key that the register does not know", |lying, answer| {
            let id = weald_proto::KeyId::parse("RVV/statement/9").unwrap();
            let key = weald_proto::SigningKey::from_seed(id, lying.key.expose_seed());
            lying.restate_with(&key, answer, |_| ())
        })
        .await;
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_another_person_is_invalid() {
    type Change = fn(&mut wire::IdentityBlock);
    let liars = Liars::gather().await;
    let identify = |lying: &Lying, answer: wire::Answer, change: Change| {
        let mut block = wire::IdentityBlock::decode(answer.identity.as_slice()).unwrap();
        change(&mut block);
        let identity = block.encode_to_vec();
        let digest = Digest::of(&identity);
        let answer = lying.restate(answer, |statement| statement.identity_digest = Some(digest));
        wire::Answer { identity, ..answer }
    };
    let changes: [(&str, Change); 3] = [
        ("another number", |block| block.nhs_number = other_patient().nhs_number.expose().into()),
        ("another birth date", |block| block.birth_date = "1950-04-02".into()),
        ("another name", |block| block.names[0].family = "Somebody".into()),
    ];
    for (what, change) in changes {
        liars.tell(what, move |lying, answer| identify(lying, answer, change)).await;
    }
    liars
        .tell("nobody at all", |lying, answer| {
            let answer = lying.restate(answer, |statement| statement.identity_digest = None);
            wire::Answer { identity: Vec::new(), ..answer }
        })
        .await;
    liars
        .tell("an identity that is stated and not sent", |_, answer| wire::Answer { identity: Vec::new(), ..answer })
        .await;
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_is_not_a_nodes_to_say_is_invalid() {
    let liars = Liars::gather().await;
    for outcome in [Outcome::NotLocated, Outcome::NotAsked, Outcome::TimedOut, Outcome::Unreachable, Outcome::Invalid] {
        liars
            .tell(outcome.as_str(), move |lying, answer| {
                let answer = lying.restate(answer, |statement| {
                    statement.outcome = outcome;
                    statement.sections.clear();
                    statement.identity_digest = None;
                });
                wire::Answer { identity: Vec::new(), parts: Vec::new(), ..answer }
            })
            .await;
    }
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_for_other_sections_than_were_asked_for_is_invalid() {
    let liars = Liars::gather().await;
    liars
        .tell("a section less", |lying, answer| {
            lying.restate(answer, |statement| {
                statement.sections.remove(&Section::Results);
            })
        })
        .await;
    liars
        .tell("a section more", |lying, answer| {
            lying.restate(answer, |statement| {
                let stated = statement.sections[&Section::Results].clone();
                statement.sections.insert(Section::MentalHealth, stated);
            })
        })
        .await;
    liars
        .tell("another section", |lying, answer| {
            lying.restate(answer, |statement| {
                let stated = statement.sections.remove(&Section::Results).unwrap();
                statement.sections.insert(Section::Immunisations, stated);
            })
        })
        .await;
    liars
        .tell("a refusal with items", |lying, answer| {
            lying.restate(answer, |statement| {
                statement.outcome = Outcome::Refused;
                statement.sections.clear();
            })
        })
        .await;
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_is_invalid() {
    let liars = Liars::gather().await;
    liars.tell("no statement", |_, answer| wire::Answer { statement: None, ..answer }).await;
    let reason = liars.tell("nothing at all", |_, _| wire::Answer::default()).await;
    assert_eq!(reason, NoAnswer::AnswerMalformed.as_str());
    liars
        .tell("a statement of random bytes", |_, mut answer| {
            answer.statement.as_mut().unwrap().payload = vec![0xff; 64];
            answer
        })
        .await;
    let huge = limit::ANSWER_BYTES + 1;
    let reason = liars
        .tell("more than the largest answer", move |_, mut answer| {
            answer.parts[0].content = vec![0; huge].into();
            answer
        })
        .await;
    assert_eq!(reason, NoAnswer::AnswerTooLarge.as_str());
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_more_elements_than_may_be_is_too_large() {
    let liars = Liars::gather().await;
    let reason = liars
        .tell("an item of very many empty codings", |lying, mut answer| {
            // With the item itself, one more than may be.
            let item = wire::Item { codes: vec![wire::Coding::default(); limit::ELEMENTS], ..wire::Item::default() };
            let content = wire::Part { salt: vec![7; 16], items: vec![item] }.encode_to_vec();
            let digest = Digest::of(&content);
            part_of(&mut answer, Section::Allergies).content = content.into();
            lying.restate(answer, |statement| {
                let stated = statement.sections.get_mut(&Section::Allergies).unwrap();
                (stated.part_digest, stated.item_count) = (Some(digest), 1);
            })
        })
        .await;
    assert_eq!(reason, NoAnswer::AnswerTooLarge.as_str());
    liars.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_else_listens_at_a_members_address_is_not_asked() {
    let mut world = World::of(three(allergic_to("penicillin"), allergic_to("latex"), store())).await;
    let change = |draft: &mut weald_certs::RegisterDraft| {
        let address = |code| draft.members.iter().find(|member| member.organisation == code).unwrap().address.clone();
        let communitys = address(community());
        let member = draft.members.iter_mut().find(|member| member.organisation == hospital()).unwrap();
        member.address = communitys;
    };
    world.federation.publish(change).unwrap();
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.organisations()[&hospital()].outcome(), Outcome::Unreachable);
    assert_eq!(view.organisations()[&community()].outcome(), Outcome::Answered);
    assert_eq!(world.reads(&community()), 1, "it was asked in its own name alone");
    world.end().await;
}
