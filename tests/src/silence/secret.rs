//! What must not be written down of some people.

use std::collections::HashSet;
use std::sync::LazyLock;

use anyhow::Context as _;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage as _, Value};
use weald_proto::Patient;
use weald_proto::wire::{HumanName, Item};

use super::ear::Channel;
use super::form;
use super::scan::{Haystack, Leak};
use crate::population::{HeldIdentity, Holding, Person};

/// Kinds of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// An NHS number.
    NhsNumber,
    /// A name of the person, of somebody in their life, or of staff in their record.
    Name,
    /// A birth date.
    BirthDate,
    /// A line of an address, a town, a postcode.
    Address,
    /// A telephone number or another way to reach somebody.
    Telecom,
    /// Anything else that a record says in words.
    FreeText,
    /// An assertion, which holds the first three.
    Token,
}

/// Fields of items that are not looked for, by the names of the .proto files, and why.
const NOT_SECRET: &[(&str, &str)] = &[
    ("system", "URIs of terminologies and systems, and words of the contract"),
    ("code", "codes of public terminologies"),
    ("use", "a word of the contract"),
    ("id", "staff, by public registration number"),
    ("role", "job titles, which are also words of the policies"),
    ("organisation", "ODS codes and public names"),
    ("provider", "ODS codes and public names"),
    ("source_system", "a URI of the organisation"),
    ("source_record_id", "how errors name a record"),
    ("source_version", "a number"),
    ("source_updated", "a moment"),
    ("effective_start", "a moment of the record, not the person's birth"),
    ("effective_end", "a moment of the record"),
    ("recorded_at", "a moment of the record"),
    ("status", "a word of the contract"),
    ("gender", "a word of the contract"),
    ("certainty", "a word of the contract"),
    ("severity", "a word of the contract"),
    ("significance", "a word of the contract"),
    ("categories", "words of the contract"),
    ("kind", "a word of the contract"),
    ("interpretation", "a word of the contract"),
    ("report_status", "a word of the contract"),
    ("supply_type", "a word of the contract"),
    ("record_kind", "a word of the contract"),
    ("intent", "a word of the contract"),
    ("priority", "a word of the contract"),
    ("provision", "a word of the contract"),
    ("nhs_number_status", "a word of the contract"),
    ("absent_reason", "a word of the contract"),
    ("content_type", "a media type"),
    ("country", "two letters"),
    ("prefix", "titles"),
    ("county", "Kent and Medway are in the names of the federation and of organisations"),
    ("members", "how errors name records"),
];

/// Words of a text that are a quotation of it.
const QUOTE: usize = 4;

/// Words that are looked for nowhere, though records have them, and why.
const PUBLIC: &[(&str, &str)] =
    &[("Emergency", "a kind of encounter, and a word of what the policies tell requesters: 'in an emergency'")];

static ITEM: LazyLock<Option<MessageDescriptor>> = LazyLock::new(|| {
    DescriptorPool::decode(weald_proto::FILE_DESCRIPTOR_SET).ok()?.get_message_by_name("weald.v1.Item")
});

/// What must not be written down.
#[derive(Default)]
pub struct Secrets {
    haystack: Haystack,
    added: HashSet<(SecretKind, String)>,
    items: HashSet<Vec<u8>>,
}

impl Secrets {
    /// Everything about these people that any organisation holds.
    ///
    /// # Errors
    ///
    /// When an item is not one of the contract's.
    pub fn of<'a>(people: impl IntoIterator<Item = &'a Person>) -> anyhow::Result<Self> {
        let mut secrets = Secrets::default();
        for person in people {
            secrets.add_identity(&person.identity);
            person.holdings.iter().try_for_each(|holding| secrets.add_holding(holding))?;
        }
        Ok(secrets)
    }

    /// Everything that an organisation holds of a person.
    ///
    /// # Errors
    ///
    /// When an item is not one of the contract's.
    pub fn add_holding(&mut self, holding: &Holding) -> anyhow::Result<()> {
        self.add_identity(&holding.identity);
        holding.sections.values().flatten().try_for_each(|item| self.add_item(item))
    }

    /// Everything that was read of a person.
    ///
    /// # Errors
    ///
    /// When an item is not one of the contract's.
    pub fn add_reading(&mut self, person: &weald_node::Person) -> anyhow::Result<()> {
        let identity = &person.identity;
        self.add(SecretKind::NhsNumber, &identity.nhs_number);
        self.add(SecretKind::BirthDate, &identity.birth_date);
        identity.names.iter().for_each(|name| self.add_name(name));
        person.sections.values().flat_map(|reading| &reading.items).try_for_each(|item| self.add_item(item))
    }

    /// Whom somebody asks about.
    pub fn add_patient(&mut self, patient: &Patient) {
        self.add(SecretKind::NhsNumber, patient.nhs_number.expose());
        self.add(SecretKind::BirthDate, patient.birth_date.expose());
        self.add(SecretKind::Name, patient.family_name.expose());
    }

    /// One secret more.
    pub fn add(&mut self, kind: SecretKind, text: &str) {
        let is_public = PUBLIC.iter().any(|(word, _)| word.eq_ignore_ascii_case(text));
        // Three letters are in everything.
        if is_public || text.chars().count() < 4 || !self.added.insert((kind, text.to_owned())) {
            return;
        }
        let written = match kind {
            SecretKind::NhsNumber => form::number(text),
            SecretKind::BirthDate => form::date(text),
            _ => vec![text.to_owned()],
        };
        let is_word = matches!(kind, SecretKind::Name | SecretKind::Address | SecretKind::FreeText);
        for written in &written {
            form::readable(written).iter().for_each(|form| self.haystack.look_for(kind, form, is_word));
            form::encoded(written).iter().for_each(|form| self.haystack.look_for(kind, form, false));
        }
        if kind == SecretKind::FreeText {
            self.add_quotes(text);
        }
    }

    /// A text need not be quoted whole to be told: any four words of it, one after the other, will do.
    fn add_quotes(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        for quote in words.windows(QUOTE).filter(|_| words.len() > QUOTE) {
            self.haystack.look_for(SecretKind::FreeText, &quote.join(" "), true);
        }
    }

    /// An assertion as it is presented: the whole, and its claims and its signature alone.
    pub fn add_token(&mut self, token: &str) {
        token.split('.').skip(1).for_each(|part| self.haystack.look_for(SecretKind::Token, part, false));
        form::encoded(token).iter().for_each(|form| self.haystack.look_for(SecretKind::Token, form, false));
    }

    /// What an item says, in every field that is looked for.
    ///
    /// # Errors
    ///
    /// When it is not one of the contract's.
    pub fn add_item(&mut self, item: &Item) -> anyhow::Result<()> {
        let bytes = item.encode_to_vec();
        if self.items.contains(&bytes) {
            return Ok(());
        }
        let descriptor = ITEM.clone().context("the contract describes no Item")?;
        self.add_message(&DynamicMessage::decode(descriptor, bytes.as_slice())?);
        self.items.insert(bytes);
        Ok(())
    }

    pub(super) fn search(&self, channel: Channel, text: &str) -> Vec<Leak> {
        self.haystack.search(channel, text)
    }

    fn add_identity(&mut self, identity: &HeldIdentity) {
        self.add(SecretKind::NhsNumber, &identity.nhs_number);
        self.add(SecretKind::BirthDate, &identity.birth_date);
        self.add_name(&identity.name);
    }

    fn add_name(&mut self, name: &HumanName) {
        [&name.family, &name.text].into_iter().chain(&name.given).for_each(|part| self.add(SecretKind::Name, part));
    }

    fn add_message(&mut self, message: &DynamicMessage) {
        let descriptor = message.descriptor();
        for (field, value) in message.fields() {
            self.add_value(descriptor.name(), field.name(), value);
        }
    }

    fn add_value(&mut self, message: &str, field: &str, value: &Value) {
        match value {
            Value::Message(inner) => self.add_message(inner),
            Value::List(values) => values.iter().for_each(|value| self.add_value(message, field, value)),
            Value::String(text) => {
                if let Some(kind) = kind_of(message, field) {
                    self.add(kind, text);
                }
            }
            _ => {}
        }
    }
}

/// What a field of an item holds; nothing for those that are not looked for.
fn kind_of(message: &str, field: &str) -> Option<SecretKind> {
    if NOT_SECRET.iter().any(|(name, _)| *name == field) || field.ends_with("_date") && field != "birth_date" {
        return None;
    }
    match (message, field) {
        ("Identifier" | "Quantity", _) => None,
        (_, "birth_date") => Some(SecretKind::BirthDate),
        ("HumanName", _) | ("Author" | "Contact", "name") => Some(SecretKind::Name),
        ("Address", _) => Some(SecretKind::Address),
        ("Telecom", _) => Some(SecretKind::Telecom),
        _ => Some(SecretKind::FreeText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::person;

    fn found(text: &str) -> Option<SecretKind> {
        let secrets = Secrets::of([&person(1, 0)]).unwrap();
        secrets.search(Channel::Log, text).first().map(|leak| leak.kind)
    }

    #[test]
    fn everything_that_a_record_says_of_a_person_is_looked_for() {
        let first = person(1, 0);
        let demographics =
            first.holdings.iter().flat_map(|holding| &holding.sections[&weald_proto::Section::Demographics]);
        let mut seen = 0;
        for item in demographics {
            let Some(weald_proto::wire::item::Detail::Demographics(detail)) = &item.detail else { panic!("{first:?}") };
            for address in &detail.addresses {
                assert_eq!(found(&format!("at {}!", address.lines[0])), Some(SecretKind::Address));
                assert_eq!(found(&address.postcode), Some(SecretKind::Address));
                seen += 1;
            }
            for telecom in &detail.telecoms {
                assert_eq!(found(&telecom.value), Some(SecretKind::Telecom));
                seen += 1;
            }
        }
        assert!(seen > 2);
        assert_eq!(found(&first.identity.nhs_number), Some(SecretKind::NhsNumber));
        assert_eq!(found(&first.identity.birth_date), Some(SecretKind::BirthDate));
        assert_eq!(found(&first.identity.name.family.to_uppercase()), Some(SecretKind::Name));
        for item in first.holdings.iter().flat_map(|holding| holding.sections.values().flatten()) {
            for note in &item.notes {
                assert!(found(&format!("detail={note:?}")).is_some(), "a note of {}", item.source_record_id);
            }
        }
    }

    #[test]
    fn a_part_of_a_text_is_found_and_a_few_words_of_it_are_not() {
        let mut secrets = Secrets::of(std::iter::empty()).unwrap();
        secrets.add(SecretKind::FreeText, "lives alone since the spring, key under the blue pot");
        let found = |text: &str| !secrets.search(Channel::Log, text).is_empty();
        assert!(found("cannot read \"since the spring, key\" at line 3"));
        assert!(!found("since the spring all is well"));
    }

    #[test]
    fn what_is_left_out_is_in_the_contract() {
        let pool = DescriptorPool::decode(weald_proto::FILE_DESCRIPTOR_SET).unwrap();
        for (name, reason) in NOT_SECRET {
            assert!(pool.all_messages().any(|message| message.get_field_by_name(name).is_some()), "{name}");
            assert!(!reason.is_empty());
        }
        assert_eq!(found("an ordinary line of a log: view refused, Emergency, status=active"), None);
    }
}
