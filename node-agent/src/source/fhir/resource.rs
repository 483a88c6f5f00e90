//! One resource in its bundle, as the mapping sees it.

use super::bundle::{Bundle, Entry};
use super::json::{Json, NOTHING};
use super::table;

/// A resource together with everything that its references may mean.
#[derive(Clone, Copy)]
pub(crate) struct Resource<'a> {
    bundle: &'a Bundle,
    index: usize,
    entry: &'a Entry,
}

impl<'a> Resource<'a> {
    /// Every resource of a bundle, in order.
    pub(crate) fn all(bundle: &'a Bundle) -> impl Iterator<Item = Resource<'a>> {
        bundle.entries.iter().enumerate().map(move |(index, entry)| Resource { bundle, index, entry })
    }

    /// Its place in the bundle.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// The bundle's entry.
    pub(crate) fn entry(&self) -> &'a Entry {
        self.entry
    }

    /// The resource itself.
    pub(crate) fn json(&self) -> &'a Json {
        &self.entry.json
    }

    /// What lies at a dotted path of it.
    pub(crate) fn at(&self, path: &str) -> &'a Json {
        self.entry.json.at(path)
    }

    /// The text at a path.
    pub(crate) fn text_at(&self, path: &str) -> String {
        self.entry.json.text_at(path)
    }

    /// The provenance that tells of it.
    pub(crate) fn provenance(&self) -> impl Iterator<Item = Resource<'a>> {
        self.bundle.provenance_of(self.index).map(|entry| Resource { entry, ..*self })
    }

    /// The entries that a reference may mean.
    pub(crate) fn find(&self, reference: &Json) -> Vec<usize> {
        let literal = reference.text_at("reference");
        if literal.is_empty() { Vec::new() } else { self.bundle.find(&literal, self.entry) }
    }

    /// What a reference means, if its words may be told as this resource's own: a resource contained in
    /// this one, or one that supports others (a practitioner, a place). `Null` for a stranger, and for a
    /// record of its own: that has its own section and labels, and whoever may see this one need not
    /// be let see that one.
    pub(crate) fn resolve(&self, reference: &Json) -> &'a Json {
        let target = self.target(reference);
        let is_own = reference.text_at("reference").starts_with('#');
        if !is_own && table::is_record(&target.text_at("resourceType")) { &NOTHING } else { target }
    }

    /// The resource that a reference means: contained in this one, or in the same bundle. `Null` for a
    /// stranger. For telling who and what it is about; its words may be another section's.
    pub(crate) fn target(&self, reference: &Json) -> &'a Json {
        let literal = reference.text_at("reference");
        if let Some(id) = literal.strip_prefix('#') {
            let contained = self.at("contained").list().iter().find(|one| one.text_at("id") == id);
            return contained.unwrap_or(&NOTHING);
        }
        self.entry_of(reference).map_or(&NOTHING, |entry| &entry.json)
    }

    /// The record id of what a reference means, or the reference itself.
    pub(crate) fn record_id_of(&self, reference: &Json) -> String {
        self.entry_of(reference).map_or_else(|| reference.text_at("reference"), Entry::record_id)
    }

    fn entry_of(&self, reference: &Json) -> Option<&'a Entry> {
        self.find(reference).first().and_then(|index| self.bundle.entries.get(*index))
    }
}
