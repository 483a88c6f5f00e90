//! A viewer app that asks for the largest answers, one call after another, and does nothing with what comes: what it
//! would compute is not what is measured.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use prost::Message as _;
use tonic::Request;
use weald_certs::Link;
use weald_proto::service::GetSummaryRequest;
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::{Section, limit, wire};

use super::Tally;
use crate::place::Party;

/// The section of which there is more than fits.
pub(crate) const SECTION: Section = Section::Documents;
/// Bytes of one item's text there.
pub(crate) const TEXT: usize = 600;
/// Organisations that hold it.
pub(crate) const HOLDERS: usize = 3;
/// After a refusal.
const PAUSE: Duration = Duration::from_millis(2);

/// Calls on one link until the process ends.
pub(super) fn begin(party: &Arc<Party>, tally: &Arc<Tally>) {
    let (party, tally) = (Arc::clone(party), Arc::clone(tally));
    tokio::spawn(async move {
        while let Ok(link) = party.link().await {
            tally.connected();
            loop {
                let came = call(&party, link.clone()).await;
                tally.did(1);
                if !came.is_ok_and(|summary| is_largest(&summary)) {
                    tally.refused();
                    tokio::time::sleep(PAUSE).await;
                    break;
                }
            }
        }
    });
}

async fn call(party: &Party, link: Link) -> anyhow::Result<wire::Summary> {
    let token = party.assertion(&BTreeSet::from([SECTION]))?;
    let mut request = Request::new(GetSummaryRequest::default());
    request.metadata_mut().insert("authorization", format!("Bearer {}", token.expose()).parse()?);
    let origin = http::Uri::from_static("http://broker.weald");
    let mut client = RecordServiceClient::with_origin(link, origin).max_decoding_message_size(limit::SUMMARY_BYTES);
    client.get_summary(request).await?.into_inner().summary.context("a summary")
}

/// True if it holds an answer of every holder that is as large as one may be, but for a twentieth.
fn is_largest(summary: &wire::Summary) -> bool {
    summary.encoded_len() * 20 / 19 > HOLDERS * limit::ANSWER_BYTES
}
