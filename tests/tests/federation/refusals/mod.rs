//! Everything that must be refused, each case once, end to end against a running federation: with its own
//! reason, with an audit entry, and with nothing released.

mod answer;
mod call;
pub(crate) mod connection;
mod flood;
mod method;
mod query;
mod scene;
mod table;

use scene::Way;

/// Who is attacked, and by what.
enum Attack {
    /// An assertion, presented by the practice's app to the broker, and by the broker to a node. Both refuse it
    /// for the same reason; the broker's words name what is to be mended.
    Assertion(call::Token, weald_proto::Reason, &'static str),
    /// An assertion that was used as often as it may be.
    AssertionAgain,
    /// A call to the broker.
    Call(call::MadeCall, weald_proto::Reason, &'static str),
    /// A query to a node.
    Query(query::Message, weald_proto::Reason),
    /// A query that was answered before; the node may have restarted since.
    QueryAgain(query::Meanwhile),
    /// A node's answer to the broker.
    Answer(answer::Told, weald_proto::AnswerError),
    /// A call of a method that is not served at that door.
    Method,
    /// A connection, to the broker and to a node, with the certificate that is made for whoever may come there.
    Connection(connection::Certificate, weald_proto::Reason),
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_is_refused_with_its_own_reason_and_an_audit_entry_and_nothing_is_released() {
    for (words, attack) in table::cases() {
        match attack {
            Attack::Assertion(token, reason, named) => {
                call::present(words, token, reason, named).await;
                query::carry(words, Way::Dialled, token, reason).await;
            }
            Attack::AssertionAgain => {
                call::present_again(words).await;
                query::carry_again(words, Way::Dialled).await;
            }
            Attack::Call(made, reason, named) => call::call(words, made, reason, named).await,
            Attack::Query(message, reason) => query::put(words, Way::Dialled, message, reason).await,
            Attack::QueryAgain(meanwhile) => query::put_again(words, Way::Dialled, meanwhile).await,
            Attack::Answer(told, error) => answer::tell(words, Way::Dialled, told, error).await,
            Attack::Method => method::call_elsewhere(words).await,
            Attack::Connection(certificate, reason) => connection::knock(words, certificate, reason).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_has_dialled_in_refuses_and_is_refused_just_so() {
    for (words, attack) in table::cases() {
        match attack {
            Attack::Assertion(token, reason, _) => query::carry(words, Way::Attached, token, reason).await,
            Attack::AssertionAgain => query::carry_again(words, Way::Attached).await,
            Attack::Query(message, reason) => query::put(words, Way::Attached, message, reason).await,
            Attack::QueryAgain(meanwhile) => query::put_again(words, Way::Attached, meanwhile).await,
            Attack::Answer(told, error) => answer::tell(words, Way::Attached, told, error).await,
            // What comes to the broker's own door is the same; a node that dials in has none.
            Attack::Call(..) | Attack::Method | Attack::Connection(..) => {}
        }
    }
}

#[test]
fn no_two_bad_answers_are_refused_for_the_same_reason() {
    let of_answer = |(_, attack)| if let Attack::Answer(_, error) = attack { Some(error.reason()) } else { None };
    let reasons: Vec<_> = table::cases().into_iter().filter_map(of_answer).collect();
    let distinct: std::collections::BTreeSet<_> = reasons.iter().collect();
    assert_eq!(reasons.len(), 7);
    assert_eq!(distinct.len(), reasons.len(), "{reasons:?}");
}
