//! What a clinician wants to see of an item beside its name, status and date: one short line.

use weald_proto::wire::item::Detail;
use weald_proto::wire::value::Kind;
use weald_proto::wire::{self, Item};

/// The line, as of a day (`YYYY-MM-DD`); empty if there is nothing more to say.
pub(crate) fn details(item: &Item, today: &str) -> String {
    let mut parts = Vec::new();
    if let Some(detail) = &item.detail {
        of(detail, today, &mut parts);
    }
    parts.extend(item.notes.iter().map(|note| format!("\u{201c}{note}\u{201d}")));
    if let (Some(Detail::AdvanceDirective(_)), Some(author)) = (&item.detail, &item.recorder) {
        parts.push(labelled("recorded by", &words([author.name.clone(), author.role.clone()])));
    }
    if let Some(contact) = &item.contact
        && item.text.is_empty()
    {
        parts.push(format!("ask {}", reach(contact)));
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.join("; ")
}

fn of(detail: &Detail, today: &str, parts: &mut Vec<String>) {
    match detail {
        Detail::Demographics(one) => demographics(one, parts),
        Detail::RelatedPerson(one) => {
            parts.push(one.name.as_ref().map(name).unwrap_or_default());
            parts.push(words(one.relationships.iter().map(coding)));
            parts.push(telecoms(&one.telecoms));
        }
        Detail::Allergy(one) => {
            let reactions = one.reactions.iter().map(|reaction| {
                format!(
                    "{} {}",
                    either(&reaction.text, || words(reaction.manifestations.iter().map(coding))),
                    reaction.severity
                )
            });
            parts.push(words(reactions));
            parts.push(labelled("criticality", &one.severity));
            parts.push(one.certainty.clone());
        }
        Detail::Medication(one) => {
            parts.push(either(&one.dose_text, || one.dose.as_ref().map(quantity).unwrap_or_default()));
            parts.push(one.supply_type.clone());
            parts.push(labelled("last issued", &one.last_issue_date));
        }
        Detail::Condition(one) => parts.extend([one.severity.clone(), one.certainty.clone()]),
        Detail::Procedure(one) => parts.extend([one.body_site.clone(), one.outcome.clone()]),
        Detail::Result(one) => {
            parts.push(one.value.as_ref().map(value).unwrap_or_default());
            let components = one
                .components
                .iter()
                .map(|part| format!("{} {}", part.text, part.value.as_ref().map(value).unwrap_or_default()));
            parts.push(words(components));
            parts.push(one.interpretation.clone());
        }
        Detail::Immunisation(one) => parts.extend([labelled("dose", &one.dose_number), one.not_given_reason.clone()]),
        Detail::Encounter(one) => {
            parts.extend([one.location.clone(), one.reason.clone(), one.discharge_method.clone()])
        }
        Detail::Referral(one) => parts.extend([one.priority.clone(), one.reason.clone()]),
        Detail::Document(one) => parts.extend([one.title.clone(), one.content_type.clone()]),
        Detail::CarePlan(one) => parts.extend([one.title.clone(), one.activities.join(", ")]),
        // A review date that has passed is said, and hides nothing (domain rules on CPR decisions).
        Detail::AdvanceDirective(one) if !one.review_date.is_empty() && one.review_date.as_str() < today => {
            parts.push(format!("review date {} has passed", one.review_date));
        }
        Detail::AdvanceDirective(one) => parts.push(labelled("review", &one.review_date)),
        Detail::SocialCare(one) => parts.push(one.services.join(", ")),
        Detail::MentalHealth(one) => {
            parts.extend([
                one.kind.clone(),
                one.legal_status.as_ref().map(coding).unwrap_or_default(),
                one.team.clone(),
            ]);
        }
        Detail::CareTeam(one) => {
            let members = one.members.iter().map(|member| {
                let who = member.member.as_ref().map_or("", |author| author.name.as_str());
                format!("{who} ({}) {}", member.role, telecoms(&member.telecoms))
            });
            parts.push(one.name.clone());
            parts.push(words(members));
        }
        Detail::CurrentLocation(one) => parts.push(one.place.clone()),
        Detail::Alert(one) => parts.push(words(one.categories.iter().map(coding))),
        Detail::Safeguarding(one) => parts.push(words(one.categories.iter().map(coding))),
    }
}

fn demographics(one: &wire::Demographics, parts: &mut Vec<String>) {
    parts.push(words(one.names.iter().map(name)));
    parts.push(labelled("born", &one.birth_date));
    parts.push(one.gender.clone());
    parts.push(words(one.addresses.iter().map(|address| {
        either(&address.text, || words([address.lines.join(", "), address.town.clone(), address.postcode.clone()]))
    })));
    parts.push(telecoms(&one.telecoms));
    parts.push(labelled("deceased", &one.deceased));
}

fn name(name: &wire::HumanName) -> String {
    either(&name.text, || format!("{} {}", name.given.join(" "), name.family))
}

fn coding(coding: &wire::Coding) -> String {
    either(&coding.display, || coding.code.clone())
}

fn quantity(quantity: &wire::Quantity) -> String {
    format!("{}{} {}", quantity.comparator, quantity.value, quantity.unit)
}

fn value(value: &wire::Value) -> String {
    match &value.kind {
        Some(Kind::Quantity(amount)) => quantity(amount),
        Some(Kind::Coding(code)) => coding(code),
        Some(Kind::Text(text)) => text.clone(),
        None => String::new(),
    }
}

fn telecoms(telecoms: &[wire::Telecom]) -> String {
    words(telecoms.iter().map(|telecom| telecom.value.clone()))
}

/// Whom to ask, and how.
fn reach(contact: &wire::Contact) -> String {
    words([contact.name.clone(), contact.role.clone(), contact.organisation.clone(), telecoms(&contact.telecoms)])
}

fn either(text: &str, other: impl FnOnce() -> String) -> String {
    if text.is_empty() { other() } else { text.to_owned() }
}

fn labelled(label: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{label} {text}") }
}

fn words(words: impl IntoIterator<Item = String>) -> String {
    let words: Vec<String> = words.into_iter().filter(|word| !word.trim().is_empty()).collect();
    words.join(", ")
}
