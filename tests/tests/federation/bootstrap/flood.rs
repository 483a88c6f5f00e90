//! Floods of the door for strangers, and views beside them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::Instant;
use weald_audit::{Kind, REFUSALS_OF_ADDRESS};
use weald_certs::{FileName, LeafKey, NewcomerError};
use weald_proto::{EnrolmentToken, Reason, Section};

use super::{PATIENCE, come, enrolment, new_node, stand_in, world};
use crate::refusals::connection::careless;
use crate::world::{World, doctor, only, shown, until};

/// Views beside a flood.
const VIEWS: usize = 10;
/// Who floods at once: enough to be turned away, and not so many that other tests have no CPU.
const FLOODERS: usize = 16;
/// Between two knocks of one of them.
const PAUSE: Duration = Duration::from_millis(2);

/// Whole views, one after another.
async fn view_beside(world: &World) {
    for _ in 0..VIEWS {
        let view = world.view(&only(doctor(), &[Section::Allergies])).await.unwrap();
        assert_eq!(shown(&view, Section::Allergies).len(), 2, "both allergies are shown");
    }
}

/// Connections from those addresses, over and over, until it is dropped; how many got in, and how many did not.
fn flood(world: &World, addresses: u32) -> (JoinSet<()>, Arc<[AtomicUsize; 2]>) {
    let broker: SocketAddr = world.federation.broker_address().parse().unwrap();
    let tally = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let mut flooders = JoinSet::new();
    for number in 0..FLOODERS {
        let last = u32::try_from(number).unwrap() % addresses;
        let from = IpAddr::from(Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 0, 1, 1)) + last));
        let tally = Arc::clone(&tally);
        flooders.spawn(async move {
            loop {
                let came = knock(from, broker).await;
                tally[usize::from(came.is_none())].fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
    (flooders, tally)
}

/// Comes without a certificate and is let in, or not.
async fn knock(from: IpAddr, broker: SocketAddr) -> Option<()> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind(SocketAddr::new(from, 0)).ok()?;
    let tcp = socket.connect(broker).await.ok()?;
    let mut stream = careless(tcp, None, b"weald-bootstrap/1").await.ok()?;
    stream.read(&mut [0; 64]).await.ok().filter(|read| *read > 0).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_one_address_or_from_many_takes_no_view_its_completeness() {
    for addresses in [1, 12] {
        let world = world().await;
        let (mut flooders, tally) = flood(&world, addresses);
        let strangers = Arc::clone(world.federation.strangers().unwrap());
        until(|| strangers.refused(Reason::TooManyConnections) > 0).await;
        view_beside(&world).await;
        assert!(strangers.connections() <= 64, "{addresses} addresses");
        let [let_in, turned_away] = &*tally;
        assert!(let_in.load(Ordering::Relaxed) > 0, "the door is open, for a few");
        // Those for whom there is no room are kept for a while before they are closed to.
        until(|| turned_away.load(Ordering::Relaxed) >= FLOODERS).await;
        flooders.shutdown().await;
        until(|| strangers.connections() == 0 && strangers.handshakes() == 0).await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_gets_so_many_files_and_then_waits() {
    let world = world().await;
    let mut link = come(&world).await;
    let (began, mut served, mut limited) = (Instant::now(), 0, 0);
    for _ in 0..200 {
        match link.file(&FileName::register(), 0, PATIENCE).await {
            Ok(Some(_)) => served += 1,
            Err(NewcomerError::Refused(Reason::TooManyRequests)) => limited += 1,
            other => panic!("{other:?}"),
        }
    }
    // Four a second come back.
    let most = 65 + began.elapsed().as_millis() / 250;
    assert!((64..=most).contains(&served), "{served} served");
    assert!(limited > 0, "{limited} limited");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_tries_tokens_reaches_the_authority_a_few_times_and_does_not_fill_the_log() {
    let world = world().await;
    let (id, key) = (new_node(&world), LeafKey::generate().unwrap());
    let mut link = come(&world).await;
    let (began, mut refused) = (Instant::now(), 0);
    for number in 0..200 {
        let token = EnrolmentToken::parse(format!("k7Jq2Vb0sYw3Zx8Lr5{number:06}")).unwrap();
        match link.enrol(&enrolment(&world, &id, &token, &key), PATIENCE).await {
            Err(NewcomerError::Refused(Reason::EnrolmentRefused)) => refused += 1,
            Err(NewcomerError::Refused(Reason::TooManyRequests)) => {}
            other => panic!("{other:?}"),
        }
    }
    let most = 12 + usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!((10..=most).contains(&refused), "{refused} tokens were judged");
    assert_eq!(stand_in(&world).asked(), refused);
    let entries = world.broker_entries_of(Kind::Refusal).len();
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!(entries <= REFUSALS_OF_ADDRESS as usize + seconds + 4, "{entries} entries");
    world.end().await;
}
