//! Through Squid, as hospitals run it.

use weald_certs::Cause;

use crate::squid::{Access, Squid};
use crate::world::{World, closed, through};

#[tokio::test]
async fn squid_without_authentication_lets_viewers_and_nodes_through() {
    let Some(squid) = Squid::start(&Access::Anybody).await else { return };
    let world = World::new();
    let mut broker = world.open(&world.broker()).await;
    let address = broker.address.to_string();
    assert_eq!(world.connect(through(&squid.url()), &address).await.unwrap().peer(), &world.broker());

    let by_name = format!("localhost:{}", broker.address.port());
    for address in [address, by_name] {
        let node = world.attach(through(&squid.url()), &address).await;
        assert!(node.state.is_attached(), "{:?}", node.state);
        assert_eq!(broker.attached.recv().await.unwrap().peer(), &world.node());
    }
}

#[tokio::test]
async fn squid_that_cannot_reach_or_resolve_the_broker_is_understood() {
    let Some(squid) = Squid::start(&Access::Anybody).await else { return };
    let world = World::new();
    let unreachable = world.diagnose(through(&squid.url()), &closed().await.to_string()).await;
    assert_eq!(unreachable.cause, Cause::ProxyCannotReach, "{unreachable}");
    let unknown = world.diagnose(through(&squid.url()), "broker.invalid:443").await;
    assert_eq!(unknown.cause, Cause::ProxyCannotResolve, "{unknown}");
}

#[tokio::test]
async fn squid_with_a_password_lets_through_who_has_it_and_others_know_why_not() {
    let Some(squid) = Squid::start(&Access::WithPassword).await else { return };
    let world = World::new();
    let mut broker = world.open(&world.broker()).await;
    let address = broker.address.to_string();

    let right = through(&squid.url_with("weald:p%40ss%20word"));
    let node = world.attach(right, &address).await;
    assert!(node.state.is_attached(), "{:?}", node.state);
    assert_eq!(broker.attached.recv().await.unwrap().peer(), &world.node());

    let none = world.attach(through(&squid.url()), &address).await.diagnosis();
    assert_eq!(none.cause, Cause::ProxyCredentialsWanted, "{none}");
    assert_eq!(none.what.split(": ").last(), Some("HTTP/1.1 407 Proxy Authentication Required"));
    let wrong = world.attach(through(&squid.url_with("weald:wrong")), &address).await.diagnosis();
    assert_eq!(wrong.cause, Cause::ProxyCredentialsRefused, "{wrong}");
}

#[tokio::test]
async fn squid_that_forbids_the_broker_is_understood() {
    let Some(squid) = Squid::start(&Access::Nobody).await else { return };
    let world = World::new();
    let broker = world.open(&world.broker()).await;
    let forbidden = world.attach(through(&squid.url()), &broker.address.to_string()).await.diagnosis();
    assert_eq!(forbidden.cause, Cause::ProxyForbids, "{forbidden}");
    assert_eq!(forbidden.what, "the proxy forbids it: HTTP/1.1 403 Forbidden");
}
