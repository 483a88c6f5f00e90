//! The largest legal requests, for ever.

use std::sync::Arc;
use std::time::Duration;

use tonic::Request;
use tonic::metadata::MetadataValue;
use weald_certs::Link;
use weald_proto::service::GetSummaryRequest;
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::{SignedAssertion, limit};

use super::Tally;
use crate::place::Party;
use crate::world::ordinary_sections;

/// Connections at a time.
const CONNECTIONS: usize = 4;
/// Calls at a time on each.
const CALLS: usize = 64;
/// Before a connection that was refused or cut off is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// Tag and length of the one field of the message, as protobuf writes them.
const FRAMING: usize = 4;

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
    let numbers: Vec<i32> = sections.iter().map(|section| section.to_wire()).collect();
    let sections = numbers.iter().copied().cycle().take(limit::REQUEST_BYTES - FRAMING).collect();
    let mut request = Request::new(GetSummaryRequest { sections });
    request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {token}"))?);
    request.set_timeout(limit::VIEW_DEADLINE);
    let origin = http::Uri::from_static("http://broker.weald");
    let mut client = RecordServiceClient::with_origin(link.clone(), origin);
    client.get_summary(request).await?;
    Ok(())
}

/// The same with another first letter of the signature.
fn forged(token: &SignedAssertion) -> String {
    let (input, signature) = token.expose().rsplit_once('.').unwrap_or_default();
    let mut letters = signature.chars();
    let other = if letters.next() == Some('A') { 'B' } else { 'A' };
    format!("{input}.{other}{}", letters.as_str())
}
