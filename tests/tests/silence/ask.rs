//! Ways to ask, rightly and wrongly, that show the recorder whatever comes back.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use weald_proto::service::node_agent_service_client::NodeAgentServiceClient;
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::service::{AskRequest, GetSummaryRequest};
use weald_proto::{JobRole, OdsCode, Patient, RelationshipKind, SpiffeId, wire};
use weald_tests::federation::{APP, AssertionDraft};
use weald_tests::population::{AMBULANCE, EAST_KENT, HOPFIELD, Organisation, SOCIAL_CARE};
use weald_tests::silence::{Recorder, Secrets};
use weald_viewer::{View, ViewError};

use crate::world::World;

pub(crate) fn ods(organisation: &Organisation) -> OdsCode {
    OdsCode::parse(organisation.ods).unwrap()
}

pub(crate) fn doctor(patient: Patient) -> AssertionDraft {
    let role = JobRole::parse("R0260").unwrap();
    AssertionDraft::treatment(ods(&HOPFIELD), role, RelationshipKind::RegisteredPractice, patient)
}

/// One of each kind of requester that sees something else.
pub(crate) fn everybody(patient: &Patient) -> Vec<AssertionDraft> {
    let at = |organisation, role, kind| {
        AssertionDraft::treatment(ods(organisation), JobRole::parse(role).unwrap(), kind, patient.clone())
    };
    vec![
        doctor(patient.clone()),
        at(&AMBULANCE, "R1070", RelationshipKind::AmbulanceIncident),
        at(&SOCIAL_CARE, "R8014", RelationshipKind::OpenSocialCareCase),
        at(&SOCIAL_CARE, "L-HCW", RelationshipKind::CareTeamMember),
        at(&HOPFIELD, "R1730", RelationshipKind::RegisteredPractice),
        at(&EAST_KENT, "R8003", RelationshipKind::OpenEncounter),
        AssertionDraft::own(ods(&HOPFIELD), patient.clone()),
    ]
}

/// Somebody who asks, and is heard.
pub(crate) struct Asker<'a> {
    pub(crate) world: &'a World,
    pub(crate) recorder: &'a Recorder,
    pub(crate) secrets: &'a mut Secrets,
}

impl Asker<'_> {
    /// One view by the client library.
    pub(crate) async fn view(&mut self, draft: &AssertionDraft) -> Result<View, ViewError> {
        let federation = &self.world.federation;
        let token = draft.sign(federation).unwrap();
        self.secrets.add_token(token.expose());
        self.recorder.value(&token);
        self.recorder.value(draft);
        self.recorder.value(&draft.claims(federation).unwrap());
        let viewer = federation.viewer(&draft.organisation).unwrap();
        let result = viewer.view(&token, &BTreeSet::new()).await;
        match &result {
            Ok(view) => self.recorder.value(view),
            Err(error) => self.recorder.error(error),
        }
        result
    }

    /// One view as it comes.
    pub(crate) async fn watch(&mut self, draft: &AssertionDraft) {
        let federation = &self.world.federation;
        let token = draft.sign(federation).unwrap();
        self.secrets.add_token(token.expose());
        let viewer = federation.viewer(&draft.organisation).unwrap();
        let view = viewer.watch(&token, &BTreeSet::new(), |update| self.recorder.value(&update)).await.unwrap();
        self.recorder.value(&view);
    }

    /// One view by an app that looks for the broker where a node is.
    pub(crate) async fn astray(&mut self, draft: &AssertionDraft) {
        let federation = &self.world.federation;
        let token = draft.sign(federation).unwrap();
        self.secrets.add_token(token.expose());
        let node = federation.register().member(&ods(&EAST_KENT)).unwrap().address.clone().unwrap();
        let viewer = federation.viewer_at(&draft.organisation, &node).unwrap();
        let error = viewer.view(&token, &BTreeSet::new()).await.unwrap_err();
        assert!(matches!(error, ViewError::Unreachable(_)));
        self.recorder.error(&error);
    }

    /// One call with a token of any kind, which must be refused.
    pub(crate) async fn refused(&mut self, token: &str) {
        self.secrets.add_token(token);
        let federation = &self.world.federation;
        let id = SpiffeId::viewer(federation.name(), &ods(&HOPFIELD), APP).unwrap();
        let link = federation.links(&id).unwrap();
        let link = link.link(&federation.broker_address(), federation.broker_id()).await.unwrap();
        let origin = http::Uri::from_static("http://broker.weald");
        let mut request = tonic::Request::new(GetSummaryRequest::default());
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let status = RecordServiceClient::with_origin(link, origin).get_summary(request).await.err();
        self.recorder.error(&status.expect("a refusal"));
    }

    /// A doctor's token whose claims say something else, signed no more.
    pub(crate) fn altered(&self, patient: &Patient, change: impl FnOnce(&mut Value)) -> String {
        let token = doctor(patient.clone()).sign(&self.world.federation).unwrap();
        let parts: Vec<&str> = token.expose().split('.').collect();
        let mut claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        change(&mut claims);
        self.sealed(parts[0], &claims.to_string())
    }

    /// Anything as claims, rightly signed with the practice's key.
    pub(crate) fn sealed(&self, header: &str, claims: &str) -> String {
        use ed25519_dalek::Signer as _;
        let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let seed = self.world.federation.assertion_key(&ods(&HOPFIELD)).unwrap().expose_seed();
        let signature = ed25519_dalek::SigningKey::from_bytes(seed).sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Puts something to a node, as the broker, that is no query and full of what it must not repeat.
    pub(crate) async fn put_to_node(&mut self, payload: &[u8]) {
        let federation = &self.world.federation;
        let (register, node) = (federation.register(), ods(&EAST_KENT));
        let address = register.member(&node).unwrap().address.clone().unwrap();
        let links = federation.links(federation.broker_id()).unwrap();
        let link = links.link(&address, &SpiffeId::node(federation.name(), &node)).await.unwrap();
        let query = wire::SignedMessage { payload: payload.to_vec(), ..wire::SignedMessage::default() };
        let status = NodeAgentServiceClient::new(link).ask(AskRequest { query: Some(query) }).await.err();
        self.recorder.error(&status.expect("a refusal"));
    }
}
