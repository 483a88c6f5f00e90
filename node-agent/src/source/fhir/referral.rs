//! Referrals: ServiceRequest.

use weald_proto::wire::{self, item::Detail};

use super::author::author;
use super::element::coding;
use super::item::item;
use super::medication::reason;
use super::resource::Resource;

/// A ServiceRequest.
pub(crate) fn referral(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let detail = wire::Referral {
        requester: author(resource, json.at("requester")),
        recipient: author(resource, json.at("performer").first()),
        priority: json.text_at("priority"),
        reason: reason(resource),
        category: coding(json.at("category")),
        intent: json.text_at("intent"),
    };
    let mut item = item(resource, json.at("code"), Detail::Referral(detail));
    if json.at("requester").is_null() && resource.provenance().next().is_none() {
        // A ServiceRequest's performer is whom it is meant for, not who wrote it.
        item.recorder = None;
    }
    item
}
