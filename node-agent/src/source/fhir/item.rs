//! What every item has, whatever its resource.

use weald_proto::wire::{self, item::Detail};

use super::author::{author, contact};
use super::element::{self, Span, code, codings, identifiers, join, period, span, words};
use super::json::Json;
use super::resource::Resource;

/// Dates, in the order in which they count. Each is a choice of types.
const EFFECTIVE: &[&str] = &["onset", "effective", "performed", "occurrence"];
/// Periods, where there is no such date.
const PERIODS: &[&str] = &["period", "context.period", "provision.period", "dispenseRequest.validityPeriod"];
const RECORDED: &[&str] = &[
    "recordedDate",
    "authoredOn",
    "issued",
    "dateAsserted",
    "date",
    "dateTime",
    "recorded",
    "created",
    "whenPrepared",
];
const RECORDERS: &[&str] = &["recorder", "author", "requester", "performer", "participant.individual", "careManager"];
const ASSERTERS: &[&str] = &["asserter", "informationSource"];
const MANAGERS: &[&str] = &["managingOrganization", "custodian", "serviceProvider", "organization"];

/// An item that says what it is by `concept`; the caller adds what only its kind has.
///
/// Its text is never empty: the words of the concept, else the type of the resource.
pub(crate) fn item(resource: &Resource<'_>, concept: &Json, detail: Detail) -> wire::Item {
    let json = resource.json();
    let recorders = Recorders::of(resource);
    let recorder = author(&recorders.from, recorders.recorder);
    let dates = effective(resource);
    let mut notes = notes(json);
    if !dates.words.is_empty() {
        notes.push(format!("When: {}", dates.words));
    }
    let text = words(concept);
    wire::Item {
        source_system: source_system(resource),
        source_record_id: resource.entry().record_id(),
        source_version: json.text_at("meta.versionId"),
        source_updated: json.text_at("meta.lastUpdated"),
        codes: codings(concept),
        text: if text.is_empty() { resource.entry().kind() } else { text },
        status: status(json),
        effective_start: dates.start,
        effective_end: dates.end,
        recorded_at: recorded_at(resource),
        asserter: asserter(resource),
        labels: labels(json),
        notes,
        contact: manager(resource, &recorders, recorder.as_ref()),
        recorder,
        identifiers: identifiers(json.at("identifier")),
        raw_digest: resource.entry().digest.to_vec(),
        subject_unresolved: false,
        entered_in_error: is_entered_in_error(json),
        detail: Some(detail),
    }
}

/// The system that holds the record: `meta.source`, else the server that the fullUrl names.
fn source_system(resource: &Resource<'_>) -> String {
    let said = resource.text_at("meta.source");
    if said.is_empty() { resource.entry().server().unwrap_or_default().to_owned() } else { said }
}

fn status(json: &Json) -> String {
    let status = code(json.first_of(&["clinicalStatus", "status"]));
    match (status.is_empty(), json.text_at("active").as_str()) {
        (true, "true") => "active".to_owned(),
        (true, "false") => "inactive".to_owned(),
        _ => status,
    }
}

fn is_entered_in_error(json: &Json) -> bool {
    [json.at("status"), json.at("verificationStatus")].iter().any(|status| code(status) == "entered-in-error")
}

fn effective(resource: &Resource<'_>) -> Span {
    let json = resource.json();
    let dated = EFFECTIVE.iter().map(|stem| span(json, stem)).find(|span| *span != Span::default());
    let of_period = || PERIODS.iter().map(|path| period(json.at(path))).find(|span| *span != Span::default());
    let mut dates = dated.or_else(of_period).unwrap_or_default();
    if dates.start.is_empty() && dates.words.is_empty() {
        dates.start = json.first_text(&["start", "whenHandedOver"]);
        dates.end = join([dates.end, json.text_at("end")], "");
    }
    let abatement = span(json, "abatement");
    if !abatement.start.is_empty() {
        dates.end = abatement.start;
    }
    dates.words = join([dates.words, abatement.words], "; until: ");
    dates
}

fn recorded_at(resource: &Resource<'_>) -> String {
    let own = resource.json().first_text(RECORDED);
    let told = || resource.provenance().map(|provenance| provenance.text_at("recorded")).find(|date| !date.is_empty());
    if own.is_empty() { told().unwrap_or_default() } else { own }
}

/// Who wrote the record down: the resource's own word, else its provenance's.
struct Recorders<'a> {
    from: Resource<'a>,
    recorder: &'a Json,
    organisation: &'a Json,
}

impl<'a> Recorders<'a> {
    fn of(resource: &Resource<'a>) -> Self {
        let own = resource.json().first_of(RECORDERS);
        let own = if own.at("actor").is_null() { own.first() } else { own.at("actor") };
        let mut agents =
            resource.provenance().flat_map(|from| from.at("agent").list().iter().map(move |agent| (from, agent)));
        let told = agents.find(|(_, agent)| code(agent.at("type")) != "informant");
        match told {
            Some((from, agent)) if own.is_null() => {
                Recorders { from, recorder: agent.at("who"), organisation: agent.at("onBehalfOf") }
            }
            _ => Recorders { from: *resource, recorder: own, organisation: &super::json::NOTHING },
        }
    }
}

fn asserter(resource: &Resource<'_>) -> Option<wire::Author> {
    let own = resource.json().first_of(ASSERTERS).first();
    if !own.is_null() {
        return author(resource, own);
    }
    let mut agents =
        resource.provenance().flat_map(|from| from.at("agent").list().iter().map(move |agent| (from, agent)));
    let informant = agents.find(|(_, agent)| code(agent.at("type")) == "informant");
    informant.and_then(|(from, agent)| author(&from, agent.at("who")))
}

fn manager(
    resource: &Resource<'_>,
    recorders: &Recorders<'_>,
    recorder: Option<&wire::Author>,
) -> Option<wire::Contact> {
    let own = resource.json().first_of(MANAGERS).first();
    if own.is_null() {
        contact(&recorders.from, recorders.organisation, recorders.recorder, recorder)
    } else {
        contact(resource, own, recorders.recorder, recorder)
    }
}

fn labels(json: &Json) -> Vec<wire::Coding> {
    let of_resource = json.at("meta").at("security").list().iter().map(element::plain_coding);
    of_resource.chain(codings(json.at("securityLabel"))).collect()
}

fn notes(json: &Json) -> Vec<String> {
    let notes = json.at("note").list().iter().map(|note| note.text_at("text"));
    let others = ["description", "comment", "patientInstruction"].map(|field| json.text_at(field));
    notes.chain(others).filter(|note| !note.is_empty()).collect()
}
