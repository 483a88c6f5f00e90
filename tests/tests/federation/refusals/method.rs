//! Calls that are refused at the door, before any pipeline sees them.

use tonic::Status;
use weald_proto::Reason;
use weald_proto::service::node_agent_service_client::NodeAgentServiceClient;
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::service::{AskRequest, GetSummaryRequest};

use super::connection::{Door, doors};
use super::scene::{Before, Whose, world};
use crate::world::reason;

/// Calls at each door, as whoever may come there, what only the other one serves.
pub(super) async fn call_elsewhere(words: &str) {
    let world = world().await;
    for Door { whose, address, host, guest } in doors(&world) {
        let before = Before::of(&world);
        let link = world.federation.links(&guest).unwrap().link(&address, &host).await.unwrap();
        let answered: Result<(), Status> = match whose {
            Whose::Broker => NodeAgentServiceClient::new(link).ask(AskRequest::default()).await.map(drop),
            Whose::Hospital => RecordServiceClient::new(link).get_summary(GetSummaryRequest::default()).await.map(drop),
        };
        assert_eq!(reason(answered), Reason::MethodUnknown, "{words}");
        before.refused_once(words, &world, whose, Reason::MethodUnknown, Some(&guest)).await;
    }
    world.end().await;
}
