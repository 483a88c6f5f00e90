//! Teams around the person: CareTeam.

use weald_proto::wire::{self, item::Detail};

use super::author::{author, telecoms_of};
use super::element::{all_words, words};
use super::item::item;
use super::json::Json;
use super::medication::reason;
use super::resource::Resource;

/// A CareTeam, known by its name.
pub(crate) fn team(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let name = json.text_at("name");
    let detail = wire::CareTeam {
        name: name.clone(),
        members: json.at("participant").list().iter().map(|one| member(resource, one)).collect(),
        reason: reason(resource),
    };
    let mut item = item(resource, json.at("category"), Detail::CareTeam(detail));
    if !name.is_empty() {
        item.text = name;
    } else if words(json.at("category")).is_empty() && !all_words(json.at("reasonCode")).is_empty() {
        item.text = all_words(json.at("reasonCode"));
    }
    item
}

fn member(resource: &Resource<'_>, participant: &Json) -> wire::CareTeamMember {
    let mut telecoms = telecoms_of(resource, participant.at("member"));
    if telecoms.is_empty() {
        telecoms = telecoms_of(resource, participant.at("onBehalfOf"));
    }
    wire::CareTeamMember {
        member: author(resource, participant.at("member")),
        role: all_words(participant.at("role")),
        telecoms,
    }
}
