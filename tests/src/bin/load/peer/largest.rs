//! The largest legal requests, for ever.

use std::sync::Arc;
use std::time::Duration;

use tonic::Request;
use tonic::client::Grpc;
use tonic::metadata::MetadataValue;
use tonic_prost::ProstCodec;
use weald_certs::Link;
use weald_proto::service::GetSummaryResponse;
use weald_proto::{SignedAssertion, limit};

use super::{Tally, method};
use crate::place::Party;
use crate::world::ordinary_sections;

/// Connections at a time.
const CONNECTIONS: usize = 4;
/// Calls at a time on each.
const CALLS: usize = 64;
/// Before a connection that was refused or cut off is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// Tags and lengths of the two fields of the message, as protobuf writes them.
const FRAMING: usize = 2 + 5;

/// What the assertion is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signature {
    /// It fits.
    Fits,
    /// It is altered.
    Forged,
}

/// Calls one after another, as many at a time as it gets.
pub(super) fn begin(party: &Arc<Party>, tally: &Arc<Tally>, signature: Signature) {
    for _ in 0..CONNECTIONS {
        let (party, tally) = (Arc::clone(party), Arc::clone(tally));
        tokio::spawn(async move {
            loop {
                match party.link().await {
                    Ok(link) => use_up(&link, &party, &tally, signature).await,
                    Err(_) => tally.refused(),
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}

/// Calls on one link until it closes.
async fn use_up(link: &Link, party: &Arc<Party>, tally: &Arc<Tally>, signature: Signature) {
    tally.connected();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..CALLS {
        let (link, party, tally) = (link.clone(), Arc::clone(party), Arc::clone(tally));
        calls.spawn(async move {
            while !link.is_closed() {
                tally.did(1);
                if call(&link, &party, signature).await.is_err() {
                    tally.refused();
                    // Whatever the refusal says of when to come back.
                    tokio::task::yield_now().await;
                }
            }
        });
    }
    calls.join_all().await;
}

async fn call(link: &Link, party: &Party, signature: Signature) -> anyhow::Result<()> {
    let sections = ordinary_sections();
    let token = party.largest_assertion(&sections)?;
    let token = match signature {
        Signature::Fits => token.expose().to_owned(),
        Signature::Forged => forged(&token),
    };
    let padding = vec![0; limit::REQUEST_BYTES - FRAMING - sections.len()];
    let message = Padded { sections: sections.iter().map(|section| section.to_wire()).collect(), padding };
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {token}"))?);
    request.set_timeout(limit::VIEW_DEADLINE);
    let mut client = Grpc::with_origin(link.clone(), http::Uri::from_static("http://broker.weald"));
    let codec: ProstCodec<Padded, GetSummaryResponse> = ProstCodec::default();
    client.unary(request, method().try_into()?, codec).await?;
    Ok(())
}

/// A request for one view with a field that nobody knows: a later version might have it, so it is legal.
#[derive(Clone, PartialEq, prost::Message)]
struct Padded {
    #[prost(int32, repeated, tag = "1")]
    sections: Vec<i32>,
    #[prost(bytes = "vec", tag = "1000")]
    padding: Vec<u8>,
}

/// The same with another first letter of the signature.
fn forged(token: &SignedAssertion) -> String {
    let (input, signature) = token.expose().rsplit_once('.').unwrap_or_default();
    let mut letters = signature.chars();
    let other = if letters.next() == Some('A') { 'B' } else { 'A' };
    format!("{input}.{other}{}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use weald_proto::service::GetSummaryRequest;

    use super::*;

    #[test]
    fn the_largest_request_is_as_large_as_one_may_be_and_reads_as_any_other() {
        let sections: Vec<i32> = ordinary_sections().iter().map(|section| section.to_wire()).collect();
        let padding = vec![0; limit::REQUEST_BYTES - FRAMING - sections.len()];
        let bytes = Padded { sections: sections.clone(), padding }.encode_to_vec();
        assert_eq!(bytes.len(), limit::REQUEST_BYTES);
        assert_eq!(GetSummaryRequest::decode(bytes.as_slice()).unwrap().sections, sections);
    }

    #[test]
    fn a_forged_token_differs_from_the_real_one_in_its_signature_alone() {
        let token = SignedAssertion::parse("aGVhZGVy.Y2xhaW1z.AAAA").unwrap();
        assert_eq!(forged(&token), "aGVhZGVy.Y2xhaW1z.BAAA");
    }
}
