//! Vaccinations: Immunization.

use weald_proto::wire::{self, item::Detail};

use super::author::name_of;
use super::element::{coding, first_codings, quantity, words};
use super::item::item;
use super::json::Json;
use super::resource::Resource;

/// An Immunization, given or not.
pub(crate) fn immunisation(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let protocols = json.at("protocolApplied").list();
    let detail = wire::Immunisation {
        dose_number: protocols.iter().map(|one| one.choice("doseNumber").1.text()).next().unwrap_or_default(),
        lot_number: json.text_at("lotNumber"),
        site: words(json.at("site")),
        route: coding(json.at("route")),
        manufacturer: manufacturer(resource, json.at("manufacturer")),
        not_given_reason: words(json.at("statusReason")),
        target_diseases: protocols.iter().flat_map(|one| first_codings(one.at("targetDisease"))).collect(),
        dose: quantity(json.at("doseQuantity")),
    };
    item(resource, json.at("vaccineCode"), Detail::Immunisation(detail))
}

fn manufacturer(resource: &Resource<'_>, reference: &Json) -> String {
    if reference.is_null() { String::new() } else { name_of(resource, reference) }
}
