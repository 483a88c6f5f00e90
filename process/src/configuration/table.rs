//! A table of a configuration, asked for its keys.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use weald_proto::Malformed;

use super::document::Document;
use super::fault::Faults;
use super::key::Key;
use super::nearest::nearest;
use super::place::{Place, Placed};

/// A table that has only keys which it may have. What is missing or of another type is noted when it is asked for.
pub struct Table<'d> {
    document: &'d Document,
    faults: &'d Faults,
    entries: &'d DeTable<'d>,
    place: Place,
}

impl<'d> Table<'d> {
    /// The outermost table of a document, which may have these keys. Notes every other.
    pub fn root(document: &'d Document, root: &'d Spanned<DeTable<'d>>, faults: &'d Faults, keys: &[Key]) -> Self {
        let place = document.place(0..0, String::new());
        Table { document, faults, entries: root.get_ref(), place }.of_known(keys)
    }

    /// Where it begins.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Where faults are noted.
    pub fn faults(&self) -> &'d Faults {
        self.faults
    }

    /// True if something stands there, whatever it is.
    pub fn has(&self, key: Key) -> bool {
        self.entries.contains_key(key.name)
    }

    /// A text.
    pub fn text(&self, key: Key) -> Option<Placed<String>> {
        self.required(key)?;
        self.text_if_any(key)
    }

    /// A text, where there need not be one.
    pub fn text_if_any(&self, key: Key) -> Option<Placed<String>> {
        let (value, place) = self.find(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.is_empty() => Some(Placed { value: text.to_string(), place }),
            DeValue::String(_) => self.faults.refuse(&place, "is empty", format!("write {}", key.written())),
            other => self.mistyped(&place, "a text", other, key),
        }
    }

    /// A text that means something. What `parse` expects is the fault if it does not.
    pub fn parsed<T>(&self, key: Key, parse: impl FnOnce(&str) -> Result<T, Malformed>) -> Option<Placed<T>> {
        let Placed { value, place } = self.text(key)?;
        match parse(&value) {
            Ok(value) => Some(Placed { value, place }),
            Err(fault) => self.faults.refuse(
                &place,
                format!("is not {}", fault.expected),
                format!("write it like {}", key.written()),
            ),
        }
    }

    /// An IP address with a port.
    pub fn address(&self, key: Key) -> Option<Placed<SocketAddr>> {
        const EXPECTED: Malformed = Malformed::new("address", "an IP address and a port");
        self.parsed(key, |text| text.parse().map_err(|_| EXPECTED))
    }

    /// An IP address and a port, where there need not be one.
    pub fn address_if_any(&self, key: Key) -> Option<Placed<SocketAddr>> {
        if self.has(key) { self.address(key) } else { None }
    }

    /// A path, relative to the folder of the configuration.
    pub fn path(&self, key: Key) -> Option<Placed<PathBuf>> {
        Some(self.text(key)?.map(|path| self.document.resolve(&path)))
    }

    /// A path, where there need not be one.
    pub fn path_if_any(&self, key: Key) -> Option<Placed<PathBuf>> {
        Some(self.text_if_any(key)?.map(|path| self.document.resolve(&path)))
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, key: Key, words: &[(&str, T)]) -> Option<Placed<T>> {
        self.required(key)?;
        self.word_if_any(key, words)
    }

    /// One of a few words, where there need not be one.
    pub fn word_if_any<T: Copy>(&self, key: Key, words: &[(&str, T)]) -> Option<Placed<T>> {
        let Placed { value, place } = self.text_if_any(key)?;
        match words.iter().find(|(word, _)| *word == value) {
            Some((_, meant)) => Some(Placed { value: *meant, place }),
            None => {
                let known = words.iter().map(|(word, _)| *word);
                let remedy = match nearest(&value, known.clone()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("write {}", key.written()),
                };
                self.faults.refuse(&place, format!("is none of {}", listed(known)), remedy)
            }
        }
    }

    /// A whole number within bounds, where there need not be one.
    pub fn number_if_any(&self, key: Key, within: RangeInclusive<u32>) -> Option<Placed<u32>> {
        let (value, place) = self.find(key)?;
        let DeValue::Integer(integer) = value.get_ref() else {
            return self.mistyped(&place, "a whole number", value.get_ref(), key);
        };
        match u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|number| within.contains(number)) {
            Some(value) => Some(Placed { value, place }),
            None => self.faults.refuse(
                &place,
                format!("must be {} to {}", within.start(), within.end()),
                format!("write {}", key.written()),
            ),
        }
    }

    /// A table within, which may have these keys.
    pub fn table(&self, key: Key, keys: &[Key]) -> Option<Table<'d>> {
        self.required(key)?;
        self.table_if_any(key, keys)
    }

    /// A table within, where there need not be one.
    pub fn table_if_any(&self, key: Key, keys: &[Key]) -> Option<Table<'d>> {
        let (value, place) = self.find(key)?;
        match value.get_ref() {
            DeValue::Table(entries) => Some(self.within(entries, place, keys)),
            other => self.mistyped(&place, "a table", other, key),
        }
    }

    /// A list of tables, one at least, each of which may have these keys.
    pub fn tables(&self, key: Key, keys: &[Key]) -> Option<Vec<Table<'d>>> {
        self.required(key)?;
        let (value, place) = self.find(key)?;
        let DeValue::Array(list) = value.get_ref() else {
            return self.mistyped(&place, "a list of tables", value.get_ref(), key);
        };
        if list.is_empty() {
            return self.faults.refuse(&place, "is empty", format!("write {}", key.written()));
        }
        let tables = list.iter().enumerate().map(|(index, value)| {
            let place = self.document.place(value.span(), format!("{}[{index}]", place.field()));
            match value.get_ref() {
                DeValue::Table(entries) => Some(self.within(entries, place, keys)),
                other => self.mistyped(&place, "a table", other, key),
            }
        });
        tables.collect()
    }

    fn within(&self, entries: &'d DeTable<'d>, place: Place, keys: &[Key]) -> Table<'d> {
        Table { document: self.document, faults: self.faults, entries, place }.of_known(keys)
    }

    /// Notes every key that is none of these.
    fn of_known(self, keys: &[Key]) -> Self {
        let known = || keys.iter().map(|key| key.name);
        for name in self.entries.keys().filter(|name| known().all(|known| known != name.get_ref())) {
            let place = self.document.place(name.span(), self.field(name.get_ref()));
            let what = match nearest(name.get_ref(), known()) {
                Some(near) => format!("is not known; did you mean `{near}`?"),
                None => "is not known".to_owned(),
            };
            self.faults.note(&place, what, format!("correct or remove it: the keys here are {}", listed(known())));
        }
        self
    }

    fn field(&self, name: &str) -> String {
        if self.place.field.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place.field) }
    }

    fn find(&self, key: Key) -> Option<(&'d Spanned<DeValue<'d>>, Place)> {
        let value = self.entries.get(key.name)?;
        Some((value, self.document.place(value.span(), self.field(key.name))))
    }

    /// Notes that a key is missing, at the table in which it should stand.
    fn required(&self, key: Key) -> Option<()> {
        if self.has(key) {
            return Some(());
        }
        let place = Place { field: self.field(key.name), ..self.place.clone() };
        let remedy = if self.place.field.is_empty() {
            format!("write {}", key.written())
        } else {
            format!("write {} in `{}`", key.written(), self.place.field)
        };
        self.faults.refuse(&place, "is missing", remedy)
    }

    fn mistyped<T>(&self, place: &Place, expected: &str, found: &DeValue<'_>, key: Key) -> Option<T> {
        let found = match found {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.faults.refuse(place, format!("must be {expected}, and is {found}"), format!("write {}", key.written()))
    }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
