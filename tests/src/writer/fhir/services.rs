//! EpisodeOfCare and CareTeam.

use serde_json::Value;
use weald_proto::wire::Item;
use weald_proto::wire::item::Detail;

use super::element::{Fields, concept, list, object, period, put, words};
use super::entries::Entries;

/// An episode of social care, whose services are further types, or of mental health, with its team.
pub(super) fn episode(entries: &mut Entries, item: &Item) -> Value {
    let mut fields = served(entries, item, "patient");
    let mut types = vec![concept(&item.codes, &item.text)];
    match &item.detail {
        Some(Detail::SocialCare(case)) => types.extend(case.services.iter().map(|service| words(service))),
        Some(Detail::MentalHealth(episode)) => {
            put(&mut fields, "team", list(object([("display", episode.team.as_str().into())])));
        }
        _ => {}
    }
    put(&mut fields, "type", types);
    put(&mut fields, "careManager", entries.recorder(item));
    Value::Object(fields)
}

pub(super) fn team(entries: &mut Entries, item: &Item) -> Value {
    let mut fields = served(entries, item, "subject");
    if let Some(Detail::CareTeam(team)) = &item.detail {
        let members = team.members.iter().map(|member| {
            object([
                ("role", list(words(&member.role))),
                ("member", entries.author(member.member.as_ref(), &member.telecoms)),
            ])
        });
        let members: Vec<Value> = members.collect();
        put(&mut fields, "name", team.name.as_str());
        put(&mut fields, "participant", members);
        put(&mut fields, "reasonCode", list(words(&team.reason)));
    }
    let manager = entries.manager(item);
    put(&mut fields, "managingOrganization", list(manager));
    Value::Object(fields)
}

/// What an organisation provides over a time.
fn served(entries: &mut Entries, item: &Item, person: &str) -> Fields {
    let mut fields = entries.resource(item, person);
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "period", period(&item.effective_start, &item.effective_end));
    put(&mut fields, "managingOrganization", entries.manager(item));
    fields
}
