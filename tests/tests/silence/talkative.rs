//! A broker that says too much when it refuses.

use tonic::codegen::BoxStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::service::record_service_server::{RecordService, RecordServiceServer};
use weald_proto::service::{GetSummaryRequest, GetSummaryResponse, WatchSummaryRequest, WatchSummaryResponse};
use weald_tests::silence::overheard;

struct Talkative(String);

#[tonic::async_trait]
impl RecordService for Talkative {
    async fn get_summary(&self, _: Request<GetSummaryRequest>) -> Result<Response<GetSummaryResponse>, Status> {
        Err(Status::not_found(format!("no row for {}", self.0)))
    }

    type WatchSummaryStream = BoxStream<WatchSummaryResponse>;

    async fn watch_summary(
        &self,
        _: Request<WatchSummaryRequest>,
    ) -> Result<Response<Self::WatchSummaryStream>, Status> {
        let details = format!("no details of {}", self.0).into_bytes();
        let status = Status::with_details(tonic::Code::Internal, "later", details.into());
        Ok(Response::new(Box::pin(tonic::codegen::tokio_stream::once(Err(status)))))
    }
}

/// Has it refuse at once, and after it began to answer.
pub(crate) async fn refuse_twice(secret: &str) {
    let server = RecordServiceServer::new(Talkative(secret.to_owned()));
    let mut client = RecordServiceClient::new(overheard(Routes::new(server)).into_axum_router());
    assert!(client.get_summary(GetSummaryRequest::default()).await.is_err());
    let mut updates = client.watch_summary(WatchSummaryRequest::default()).await.unwrap().into_inner();
    assert!(updates.message().await.is_err());
}
