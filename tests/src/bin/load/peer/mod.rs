//! Peers of a federation: an ordinary viewer, and all kinds of hostile ones.

mod byte_a_second;
mod companion;
pub(crate) mod frames;
mod handshake;
pub(crate) mod large;
mod largest;
mod ordinary;
mod strangers;
mod streams;
mod tally;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use weald_proto::OdsCode;

use crate::console;
use crate::place::{Party, Place};
use crate::world::{HOSTILE, HOSTILE_FROM, ORDINARY, ORDINARY_FROM, READY};

pub(crate) use tally::{Tally, Told};

/// What a peer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Act {
    /// One ordinary view for each order.
    OrdinaryOnOrder,
    /// Ordinary views, one after another, two at a time.
    OrdinaryAtWill,
    /// Requests of which one byte a second is sent.
    ByteASecond,
    /// Handshakes of which one byte a second is sent.
    ByteASecondHandshake,
    /// Connections without a handshake, or with half of one.
    UnfinishedHandshake,
    /// Ten thousand streams on a connection, none of which ends.
    TenThousandStreams,
    /// The largest legal requests.
    LargestMessage,
    /// The same, under assertions whose signature does not fit.
    LargestMessageForged,
    /// Views that ask the member whose node is hostile.
    Companion,
    /// Views of the largest answers.
    LargestAnswers,
    /// Register files, by many without a certificate.
    Strangers,
}

/// What hostile requests say of where they go: nobody looks at it.
const AUTHORITY: &str = "broker.weald";

/// The path of the call for one view.
fn method() -> String {
    format!("/{}/GetSummary", weald_proto::service::record_service_server::SERVICE_NAME)
}

/// An order to begin.
pub(crate) const GO: &str = "go";
/// An order for one view.
pub(crate) const VIEW: &str = "view";
/// Said when a view that was ordered has ended.
pub(crate) const DONE: &str = "done";

/// Says that it is ready, begins when told to, and runs until the standard input ends; says what it did last.
///
/// # Errors
///
/// When the folder does not hold what it takes.
pub(crate) async fn run(act: Act, folder: &Path) -> anyhow::Result<()> {
    let place = Place::open(folder)?;
    let (organisation, from) = match act {
        Act::OrdinaryOnOrder => (ORDINARY, ORDINARY_FROM),
        _ => (HOSTILE, HOSTILE_FROM),
    };
    let party = Arc::new(Party::of(&place, &OdsCode::parse(organisation)?, from)?);
    let tally = Arc::new(Tally::default());
    let mut orders = console::orders();
    console::line(READY);
    let begin = orders.next_line().await?.context("an order to begin")?;
    anyhow::ensure!(begin == GO, "an unknown order: {begin}");
    match act {
        Act::OrdinaryOnOrder => ordinary::on_order(&party, &tally, &mut orders).await?,
        other => {
            begin_at_will(other, &party, &tally);
            while orders.next_line().await?.is_some() {}
        }
    }
    console::line(&serde_json::to_string(&tally.told())?);
    Ok(())
}

/// Starts tasks that go on until this process ends.
fn begin_at_will(act: Act, party: &Arc<Party>, tally: &Arc<Tally>) {
    match act {
        Act::OrdinaryOnOrder | Act::OrdinaryAtWill => ordinary::at_will(party, tally),
        Act::ByteASecond => byte_a_second::begin(party, tally),
        Act::ByteASecondHandshake => handshake::byte_a_second(party, tally),
        Act::UnfinishedHandshake => handshake::unfinished(party, tally),
        Act::TenThousandStreams => streams::begin(party, tally),
        Act::LargestMessage => largest::begin(party, tally, largest::Signature::Fits),
        Act::LargestMessageForged => largest::begin(party, tally, largest::Signature::Forged),
        Act::Companion => companion::begin(party, tally),
        Act::LargestAnswers => large::begin(party, tally),
        Act::Strangers => strangers::begin(party, tally),
    }
}
