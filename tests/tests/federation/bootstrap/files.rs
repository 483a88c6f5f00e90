//! Register files.

use weald_certs::{FileName, NewcomerError, RegisterAnchor};
use weald_proto::{KeyId, Reason, SigningKey};

use super::{PATIENCE, come, refused, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_gets_the_very_register_that_the_broker_goes_by_and_the_next_when_there_is_one() {
    let mut world = world().await;
    let mut link = come(&world).await;
    let anchor = world.federation.anchor().clone();
    let first = link.register(&anchor, None, PATIENCE).await.unwrap().unwrap();
    assert_eq!(first.file(), world.federation.register().file());
    assert_eq!(&first.file()[..], world.federation.register_file());
    assert!(link.register(&anchor, Some(&first), PATIENCE).await.unwrap().is_none(), "nothing newer");
    world.federation.publish(|_| {}).unwrap();
    let second = link.register(&anchor, Some(&first), PATIENCE).await.unwrap().unwrap();
    assert_eq!((second.version(), second.digest()), (2, world.federation.register().digest()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_that_others_signed_is_not_taken_and_the_newcomer_is_told_whom_to_ask() {
    let world = world().await;
    let key: SigningKey<weald_certs::RegisterDocument> =
        SigningKey::from_seed(KeyId::parse("register/1").unwrap(), &[7; 32]);
    let anchor = RegisterAnchor::new(world.federation.name().clone(), key.id().clone(), key.verifying_key());
    let error = come(&world).await.register(&anchor, None, PATIENCE).await.unwrap_err();
    assert!(matches!(error, NewcomerError::Register(_)), "{error}");
    assert!(error.to_string().ends_with("Ask: authority."), "{error}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_names_that_are_served_are_files_and_no_path_is_a_name() {
    let world = world().await;
    let mut link = come(&world).await;
    for name in ["tls.key", "broker.audit", "root.json"] {
        let file = link.file(&FileName::parse(name).unwrap(), 0, PATIENCE).await;
        assert_eq!(refused(file), Reason::FileUnknown, "{name}");
    }
    world.end().await;
}
