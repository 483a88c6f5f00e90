//! A FHIR R4 bundle, parsed: its resources, and who refers to whom.

use std::collections::HashMap;

use serde_json::value::RawValue;
use weald_proto::Digest;

use super::json::{Broken, Json, Pairs, fields, unique};
use super::{shape, table, version};

/// The kinds of bundle that hold a record as it is now. A history holds what was, a message what is to be done.
const KINDS: &[&str] = &["document", "transaction", "batch", "collection", "searchset"];

/// The most entries of one bundle: what a file of the largest size holds of ordinary resources.
const ENTRIES: usize = 100_000;

/// What is read of a resource of a type that no section takes: whose it is, and its name.
const HEAD: &[&str] =
    &["resourceType", "id", "meta", "subject", "patient", "beneficiary", "individual", "for", "participant", "actor"];

/// Why a file is not a bundle that can be read. Names positions and fields, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotReadable(pub(crate) String);

/// A bundle. INVARIANT (entries in order): entries keep the order of the file.
pub(crate) struct Bundle {
    /// When it was put together, as written; empty if it does not say.
    pub(crate) timestamp: String,
    /// The address of this page of a search; empty if it is none.
    pub(crate) own_page: String,
    /// The address of the page after it; empty if it is the last.
    pub(crate) next_page: String,
    /// Its resources.
    pub(crate) entries: Vec<Entry>,
    /// True if a search that made it says that something went wrong or was left out.
    pub(crate) is_partial: bool,
    by_url: HashMap<String, usize>,
    by_id: HashMap<String, Vec<usize>>,
    provenance: HashMap<usize, Vec<usize>>,
}

/// One resource of a bundle.
pub(crate) struct Entry {
    /// Its fullUrl; empty if it has none.
    pub(crate) full_url: String,
    /// The resource; of a type that no section takes, the head only.
    pub(crate) json: Json,
    /// SHA-256 of the resource's bytes as they stand in the file.
    pub(crate) digest: Digest,
    /// Where an element that decides whose it is, or where it belongs, is of another type than FHIR gives
    /// it. Nothing can be told of such a resource.
    pub(crate) misfit: Option<String>,
}

impl Entry {
    /// The resource's type.
    pub(crate) fn kind(&self) -> String {
        self.json.text_at("resourceType")
    }

    /// The base address of the server that the fullUrl names: what comes before `/Type/id` in an http address.
    pub(crate) fn server(&self) -> Option<&str> {
        let base = self.full_url.strip_suffix(&format!("/{}/{}", self.kind(), self.json.text_at("id")))?;
        let host = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"))?;
        (!host.is_empty()).then_some(base)
    }

    /// A stable id: `Type/id`, else the fullUrl, else the type and the digest of the bytes.
    pub(crate) fn record_id(&self) -> String {
        let id = self.json.text_at("id");
        match (id.is_empty(), self.full_url.is_empty()) {
            (false, _) => format!("{}/{id}", self.kind()),
            (true, false) => self.full_url.clone(),
            (true, true) => format!("{}/sha256:{}", self.kind(), self.digest),
        }
    }
}

impl Bundle {
    /// Parses the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`NotReadable`] when it is not JSON, not a bundle of a kind that holds a record, or not FHIR R4.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Bundle, NotReadable> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            NotReadable(format!("is not UTF-8 text from byte {} on: save it as UTF-8", error.valid_up_to()))
        })?;
        let text = text.trim_start_matches('\u{feff}');
        let Pairs(pairs) = serde_json::from_str(text).map_err(not_json)?;
        let broken = |broken: Broken| NotReadable(format!("{} at {}", broken.problem, broken.position_in(text)));
        let fields = unique(text, pairs).map_err(broken)?;
        let head = Json::parse_fields(&fields, &["resourceType", "type", "timestamp", "link"]).map_err(broken)?;
        match head.text_at("resourceType").as_str() {
            "Bundle" => {}
            "" => return Err(NotReadable("has no resourceType: it must be a FHIR R4 Bundle".to_owned())),
            _ => return Err(NotReadable("is a lone resource: put it into a Bundle".to_owned())),
        }
        if !KINDS.contains(&head.text_at("type").as_str()) {
            return Err(NotReadable(format!("has a Bundle.type that is not one of {}", KINDS.join(", "))));
        }
        let raw: Vec<&RawValue> = match fields.get("entry") {
            Some(entries) => serde_json::from_str(entries.get()).map_err(|_| misplaced("entry"))?,
            None => Vec::new(),
        };
        if raw.len() > ENTRIES {
            return Err(NotReadable(format!("has more than {ENTRIES} entries: split it, one file for each person")));
        }
        let entries = raw.iter().enumerate().filter_map(|(index, raw)| parse_entry(text, index, raw).transpose());
        Ok(Bundle::of(&head, entries.collect::<Result<_, _>>()?))
    }

    fn of(head: &Json, entries: Vec<Entry>) -> Bundle {
        let mut by_url = HashMap::new();
        let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            if !entry.full_url.is_empty() {
                by_url.entry(entry.full_url.clone()).or_insert(index);
            }
            let id = entry.json.text_at("id");
            if !id.is_empty() {
                by_id.entry(format!("{}/{id}", entry.kind())).or_default().push(index);
            }
        }
        let page = |relation: &str| {
            let link = head.at("link").list().iter().find(|link| link.text_at("relation") == relation);
            link.map(|link| link.text_at("url")).unwrap_or_default()
        };
        let mut bundle = Bundle {
            timestamp: head.text_at("timestamp"),
            own_page: page("self"),
            next_page: page("next"),
            is_partial: entries.iter().any(|entry| version::tells_of_failure(&entry.json)),
            entries,
            by_url,
            by_id,
            provenance: HashMap::new(),
        };
        bundle.provenance = bundle.provenance_by_target();
        bundle
    }

    /// The entries that a literal reference may mean: by fullUrl, relative to the referring entry's
    /// own server, or as `Type/id` (FHIR R4, Bundle, resolving references). Empty for a stranger.
    pub(crate) fn find(&self, reference: &str, from: &Entry) -> Vec<usize> {
        let reference = reference.split("/_history/").next().unwrap_or_default();
        if let Some(index) = self.by_url.get(reference) {
            return vec![*index];
        }
        if let Some(index) = sibling(&from.full_url, reference).and_then(|url| self.by_url.get(&url)) {
            return vec![*index];
        }
        let (base, type_and_id) = split_base(reference);
        let candidates = self.by_id.get(type_and_id).map(Vec::as_slice).unwrap_or_default();
        let same_server = |index: &&usize| {
            base.is_empty() || self.entries.get(**index).is_some_and(|entry| entry.full_url.is_empty())
        };
        candidates.iter().filter(same_server).copied().collect()
    }

    /// The provenance that names this entry as its target.
    pub(crate) fn provenance_of(&self, index: usize) -> impl Iterator<Item = &Entry> {
        let entries = self.provenance.get(&index).map(Vec::as_slice).unwrap_or_default();
        entries.iter().filter_map(|index| self.entries.get(*index))
    }

    fn provenance_by_target(&self) -> HashMap<usize, Vec<usize>> {
        let mut targets: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.kind() == "Provenance") {
            for target in entry.json.at("target").list() {
                for found in self.find(&target.text_at("reference"), entry) {
                    targets.entry(found).or_default().push(index);
                }
            }
        }
        targets
    }
}

/// An entry without a resource (the answer to a request, say) holds no record.
fn parse_entry(text: &str, index: usize, raw: &RawValue) -> Result<Option<Entry>, NotReadable> {
    let broken = |field: &str, broken: Broken| {
        NotReadable(format!("entry[{index}]{field}: a value in it {} ({})", broken.problem, broken.position_in(text)))
    };
    let entry = fields(raw.get()).map_err(|problem| broken("", problem))?;
    let Some(raw) = entry.get("resource").filter(|raw| raw.get() != "null") else { return Ok(None) };
    let head = Json::parse_fields(&entry, &["fullUrl"]).map_err(|problem| broken(".fullUrl", problem))?;
    let json = parse_resource(raw).map_err(|problem| broken(".resource", problem))?;
    version::check(&json).map_err(|reason| NotReadable(format!("entry[{index}].resource is not FHIR R4: {reason}")))?;
    let decides = table::decides(&json.text_at("resourceType"));
    let misfit = decides.then(|| shape::misfit(&json)).flatten().map(|path| format!("entry[{index}].resource.{path}"));
    let digest = Digest::of(raw.get().as_bytes());
    Ok(Some(Entry { full_url: head.text_at("fullUrl"), json, digest, misfit }))
}

fn parse_resource(raw: &RawValue) -> Result<Json, Broken> {
    let fields = fields(raw.get())?;
    let head = Json::parse_fields(&fields, HEAD)?;
    if table::takes(&head.text_at("resourceType")) { Json::parse(raw) } else { Ok(head) }
}

/// `Type/id` beside an entry whose fullUrl is `https://server/base/Other/1`: `https://server/base/Type/id`.
fn sibling(full_url: &str, reference: &str) -> Option<String> {
    let (base, _) = split_base(full_url);
    (!base.is_empty() && split_base(reference).0.is_empty()).then(|| format!("{base}/{reference}"))
}

/// What comes before the last two segments of an http address, and those two.
fn split_base(reference: &str) -> (&str, &str) {
    if !reference.starts_with("http://") && !reference.starts_with("https://") {
        return ("", reference);
    }
    let cut = reference.rmatch_indices('/').nth(1).map(|(position, _)| position);
    match cut.and_then(|position| reference.split_at_checked(position)) {
        Some((base, rest)) => (base, rest.trim_start_matches('/')),
        None => ("", reference),
    }
}

fn not_json(error: serde_json::Error) -> NotReadable {
    let place = match error.line() {
        0 => String::new(),
        line => format!(" from line {line}, column {} on", error.column()),
    };
    NotReadable(match error.classify() {
        serde_json::error::Category::Eof => format!("is cut off{place}: copy it again"),
        serde_json::error::Category::Syntax => format!("is not JSON{place}"),
        _ => format!("is not a JSON object{place}"),
    })
}

fn misplaced(field: &str) -> NotReadable {
    NotReadable(format!("has a Bundle.{field} that is not a list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(entries: &str) -> Bundle {
        Bundle::parse(format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{entries}]}}"#).as_bytes())
            .unwrap()
    }

    fn problem(text: &str) -> String {
        Bundle::parse(text.as_bytes()).err().unwrap().to_string()
    }

    fn found(bundle: &Bundle, reference: &str) -> Vec<usize> {
        bundle.find(reference, &bundle.entries[0])
    }

    #[test]
    fn a_truncated_file_says_where_it_ends() {
        assert!(problem("{\"resourceType\":\"Bundle\",\n \"type\":\"coll").starts_with("is cut off from line 2"));
        assert!(problem("{\"resourceType\": Bundle}").starts_with("is not JSON from line 1, column"));
    }

    #[test]
    fn other_kinds_of_bundle_and_lone_resources_are_refused() {
        assert!(problem(r#"{"resourceType":"Patient"}"#).contains("put it into a Bundle"));
        assert!(problem(r#"{"resourceType":"Bundle","type":"history"}"#).contains("Bundle.type"));
        assert!(problem(r#"{"resourceType":"Bundle"}"#).contains("Bundle.type"));
        assert!(problem(r#"{"resourceType":"Bundle","type":"batch","entry":{}}"#).contains("Bundle.entry"));
        assert!(problem("[]").contains("not a JSON object"));
        assert!(problem("null").contains("not a JSON object"));
        assert!(problem("").starts_with("is cut off"));
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_named_by_its_place_in_the_bundle_and_in_the_file() {
        let of = |entries: &str| {
            problem(&format!("{{\"resourceType\":\"Bundle\",\"type\":\"batch\",\n\"entry\":[{{}},{entries}]}}"))
        };
        assert!(of("1").starts_with("entry[1]: a value in it is not a JSON object (line 2, column 13)"), "{}", of("1"));
        assert!(of(r#"{"resource":[]}"#).starts_with("entry[1].resource: a value in it is not a JSON object"));
        let twice = r#"{"resource":{"resourceType":"Flag","subject":{"reference":"a"},"subject":{"reference":"b"}}}"#;
        assert!(of(twice).starts_with("entry[1].resource: a value in it holds a field twice"));
        assert!(of(r#"{"resource":{"resourceType":"Flag","id":"\ud800"}}"#).contains("holds broken text"));
        let deep = format!(
            r#"{{"resource":{{"resourceType":"Flag","code":{}1{}}}}}"#,
            "[".repeat(500_000),
            "]".repeat(500_000)
        );
        assert!(of(&deep).starts_with("entry[1].resource: a value in it is nested too deeply"));
        for kind in ["Bundle", "Parameters", "Gossip"] {
            assert!(of(&format!(r#"{{"resource":{{"resourceType":"{kind}"}}}}"#)).contains("entry[1].resource is not"));
        }
    }

    #[test]
    fn a_bundle_has_so_many_entries_and_no_more() {
        let of = |count: usize| {
            let entries = vec!["{}"; count].join(",");
            Bundle::parse(format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{entries}]}}"#).as_bytes())
        };
        assert!(of(ENTRIES).is_ok());
        assert!(of(ENTRIES + 1).err().unwrap().to_string().contains("more than 100000 entries"));
    }

    #[test]
    fn a_resource_of_another_version_is_named_by_its_entry() {
        let text = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"ReferralRequest"}}]}"#;
        assert!(problem(text).starts_with("entry[0].resource is not FHIR R4"));
    }

    #[test]
    fn a_reference_is_found_by_full_url_by_type_and_id_and_beside_its_own_server() {
        let bundle = bundle(
            r#"{"fullUrl":"https://a.example/fhir/Flag/1","resource":{"resourceType":"Flag","id":"1"}},
               {"fullUrl":"urn:uuid:x","resource":{"resourceType":"Patient","id":"p"}},
               {"fullUrl":"https://a.example/fhir/Patient/p","resource":{"resourceType":"Patient","id":"p"}}"#,
        );
        assert_eq!(found(&bundle, "urn:uuid:x"), [1]);
        assert_eq!(found(&bundle, "Patient/p"), [2], "the one on the same server");
        assert_eq!(bundle.find("Patient/p", &bundle.entries[1]), [1, 2], "either, if there is no server to go by");
        assert_eq!(found(&bundle, "https://a.example/fhir/Patient/p/_history/7"), [2]);
        assert!(found(&bundle, "https://b.example/fhir/Patient/p").is_empty(), "another server's patient");
        assert!(found(&bundle, "Patient/q").is_empty());
    }

    #[test]
    fn a_record_id_is_type_and_id_else_the_full_url_else_a_digest() {
        let bundle = bundle(
            r#"{"fullUrl":"urn:uuid:x","resource":{"resourceType":"Flag","id":"1"}},
               {"fullUrl":"urn:uuid:y","resource":{"resourceType":"Flag"}},{"resource":{"resourceType":"Flag"}}"#,
        );
        let ids: Vec<String> = bundle.entries.iter().map(Entry::record_id).collect();
        assert_eq!(ids[..2], ["Flag/1", "urn:uuid:y"]);
        assert!(ids[2].starts_with("Flag/sha256:"));
    }
}
