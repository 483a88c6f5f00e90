//! A broker that forges what it sends to one app, and puts right around it what a broker can by itself.

use std::collections::BTreeSet;

use prost::Message as _;
use weald_proto::{Digest, Section, SignedAssertion, wire};
use weald_tests::federation::AssertionDraft;
use weald_viewer::{SummaryError, View, ViewError, Viewer};

use crate::impostor::LyingBroker;
use crate::world::{World, allergic_to, doctor, hospital, item, only, other_patient, patient, practice, store, three};

/// A federation whose broker forges what it sends to one app.
pub(crate) struct Forgers {
    pub(crate) world: World,
    pub(crate) broker: LyingBroker,
    viewer: Viewer,
}

impl Forgers {
    pub(crate) async fn gather() -> Self {
        Forgers::lending(0).await
    }

    /// Members let their answers be kept for that many seconds.
    pub(crate) async fn lending(cache_seconds: u32) -> Self {
        let hospitals = allergic_to("latex").holds(&patient(), Section::Conditions, vec![item("c1", "Asthma")]);
        let practices = allergic_to("penicillin").knows(&other_patient());
        let mut members = three(practices, hospitals.knows(&other_patient()), store().knows(&other_patient()));
        members.iter_mut().for_each(|member| member.cache_seconds = cache_seconds);
        let world = World::of(members).await;
        let (broker, address) = LyingBroker::beside(&world).await;
        let viewer = world.federation.viewer_at(&practice(), &address).unwrap();
        Forgers { world, broker, viewer }
    }

    pub(crate) async fn see(&self, draft: &AssertionDraft) -> Result<View, ViewError> {
        self.viewer.view(&draft.sign(&self.world.federation).unwrap(), &BTreeSet::new()).await
    }

    /// What the client makes of that forgery.
    pub(crate) async fn forge(
        &self,
        forgery: impl FnMut(&mut wire::Summary) + Send + 'static,
    ) -> Result<View, ViewError> {
        self.forge_under(&asked().sign(&self.world.federation).unwrap(), forgery).await
    }

    /// The same under that assertion.
    pub(crate) async fn forge_under(
        &self,
        token: &SignedAssertion,
        mut forgery: impl FnMut(&mut wire::Summary) + Send + 'static,
    ) -> Result<View, ViewError> {
        self.broker.forges(move |mut summary| {
            forgery(&mut summary);
            put_right(&mut summary);
            summary
        });
        self.viewer.view(token, &BTreeSet::new()).await
    }

    /// What the client says of that forgery, which it must refuse.
    pub(crate) async fn refused(&self, forgery: impl FnMut(&mut wire::Summary) + Send + 'static) -> SummaryError {
        match self.forge(forgery).await {
            Err(ViewError::Summary(error)) => error,
            other => panic!("not refused: {other:?}"),
        }
    }
}

pub(crate) fn asked() -> AssertionDraft {
    only(doctor(), &[Section::Allergies, Section::Conditions, Section::Results])
}

/// The receipt of what is in the summary now.
fn put_right(summary: &mut wire::Summary) {
    let plan = Digest::of(&summary.plan.as_ref().map(wire::MergePlan::encode_to_vec).unwrap_or_default());
    let statements = summary.outcomes.iter().filter_map(|outcome| {
        let statement = outcome.answer.as_ref()?.answer.as_ref()?.statement.as_ref()?;
        Some(Digest::of(&statement.payload).to_vec())
    });
    let statements = statements.collect();
    if let Some(receipt) = &mut summary.receipt {
        receipt.plan_digest = plan.to_vec();
        receipt.statement_digests = statements;
    }
}

/// What came of the hospital.
pub(crate) fn hospitals(summary: &mut wire::Summary) -> &mut wire::OrganisationOutcome {
    let hospital = hospital().to_string();
    summary.outcomes.iter_mut().find(|outcome| outcome.organisation == hospital).expect("the hospital")
}

pub(crate) fn hospitals_answer(summary: &mut wire::Summary) -> &mut wire::VerbatimAnswer {
    hospitals(summary).answer.as_mut().expect("its answer")
}

pub(crate) fn plan_of(summary: &mut wire::Summary, section: Section) -> &mut wire::SectionPlan {
    let plan = summary.plan.as_mut().expect("a plan");
    plan.sections.iter_mut().find(|plan| plan.section == section.to_wire()).expect("a plan of that section")
}

pub(crate) fn completeness_of(summary: &mut wire::Summary, section: Section) -> &mut wire::SectionCompleteness {
    summary.completeness.iter_mut().find(|one| one.section == section.to_wire()).expect("its completeness")
}

/// Leaves the hospital out of the plan.
pub(crate) fn forget_hospital(summary: &mut wire::Summary) {
    let hospital = hospital().to_string();
    let plan = summary.plan.as_mut().expect("a plan");
    for section in &mut plan.sections {
        section.groups.iter_mut().for_each(|group| group.items.retain(|item| item.organisation != hospital));
        section.groups.retain(|group| !group.items.is_empty());
    }
    plan.sections.retain(|section| !section.groups.is_empty());
}
