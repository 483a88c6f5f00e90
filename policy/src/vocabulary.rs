//! The names of kinds, sections and levels as policies write them.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use cedar_policy::{Context, Entities, EntityId, EntityTypeName, EntityUid, RestrictedExpression, Schema};
use weald_proto::{Level, OdsCode, Section};

use crate::{Circumstances, PolicyError, RequesterKind};

/// Levels that policies can allow, from least to most.
pub(crate) const LEVELS: [Level; 4] = [Level::Contact, Level::Alert, Level::Summary, Level::Full];

/// The schema, the groups of kinds and sections, and every name, parsed once.
pub(crate) struct Vocabulary {
    pub(crate) schema: Schema,
    pub(crate) entities: Entities,
    kinds: BTreeMap<RequesterKind, EntityUid>,
    sections: BTreeMap<Section, EntityUid>,
    levels: BTreeMap<Level, EntityUid>,
    known: BTreeSet<String>,
}

impl Vocabulary {
    /// Reads the schema and the entities, which must name every kind and every section.
    pub(crate) fn read(schema: &str, entities: &str) -> Result<Self, PolicyError> {
        let syntax = |file: &str, message: String| PolicyError::Syntax { file: file.to_owned(), message };
        let (schema, warnings) =
            Schema::from_cedarschema_str(schema).map_err(|error| syntax("schema.cedarschema", error.to_string()))?;
        if let Some(warning) = { warnings }.next() {
            return Err(syntax("schema.cedarschema", warning.to_string()));
        }
        let entities = Entities::from_json_str(entities, Some(&schema))
            .map_err(|error| syntax("entities.json", error.to_string()))?;
        let named = |kind, id| named(&entities, kind, id);
        let kinds = RequesterKind::ALL
            .iter()
            .map(|kind| Ok((*kind, named("RequesterKind", kind.as_str())?)))
            .collect::<Result<_, PolicyError>>()?;
        let sections = Section::ALL
            .iter()
            .map(|section| Ok((*section, named("Section", section.as_str())?)))
            .collect::<Result<_, PolicyError>>()?;
        let levels = LEVELS
            .iter()
            .map(|level| Ok((*level, uid("Action", level.as_str())?)))
            .collect::<Result<_, PolicyError>>()?;
        let known = entities.iter().map(|entity| entity.uid().to_string()).collect();
        Ok(Vocabulary { schema, entities, kinds, sections, levels, known })
    }

    /// Principal, action and resource of one question; none if a name is missing, which is a denial.
    pub(crate) fn question(
        &self,
        kind: RequesterKind,
        level: Level,
        section: Section,
    ) -> Option<(EntityUid, EntityUid, EntityUid)> {
        Some((self.kinds.get(&kind)?.clone(), self.levels.get(&level)?.clone(), self.sections.get(&section)?.clone()))
    }

    /// True if a policy may name this: the validator checks levels and closed lists, and whatever it
    /// leaves to us must be in entities.json or be an ODS code.
    pub(crate) fn knows(&self, name: &EntityUid) -> bool {
        match name.type_name().basename() {
            "RequesterKind" | "RequesterGroup" | "Section" | "SectionGroup" => self.known.contains(&name.to_string()),
            "Organisation" => organisation(name).is_some(),
            _ => true,
        }
    }
}

/// The organisation that a policy names, if that is what it names.
pub(crate) fn organisation(name: &EntityUid) -> Option<OdsCode> {
    let is_organisation = name.type_name().basename() == "Organisation";
    is_organisation.then(|| OdsCode::parse(name.id().unescaped()).ok()).flatten()
}

/// The context of every question about these circumstances; none if a name does not parse.
pub(crate) fn context(circumstances: &Circumstances) -> Option<Context> {
    let mut pairs = vec![
        ("purpose", "Purpose", circumstances.purpose.code()),
        ("requester_organisation", "Organisation", circumstances.requester_organisation.as_str()),
    ];
    if let Some(relationship) = circumstances.relationship {
        pairs.push(("relationship", "Relationship", relationship.as_str()));
    }
    if let Some(reason) = circumstances.break_glass {
        pairs.push(("break_glass", "BreakGlass", reason.as_str()));
    }
    if let Some((organisation, kind)) = &circumstances.answering {
        pairs.push(("answering", "Organisation", organisation.as_str()));
        pairs.push(("answering_kind", "OrganisationKind", kind.as_str()));
    }
    let pairs: Option<Vec<_>> = pairs
        .into_iter()
        .map(|(member, kind, id)| Some((member.to_owned(), RestrictedExpression::new_entity_uid(uid(kind, id).ok()?))))
        .collect();
    Context::from_pairs(pairs?).ok()
}

fn named(entities: &Entities, kind: &str, id: &str) -> Result<EntityUid, PolicyError> {
    let name = uid(kind, id)?;
    if entities.get(&name).is_some() { Ok(name) } else { Err(PolicyError::NoEntity { name: name.to_string() }) }
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, PolicyError> {
    let kind = EntityTypeName::from_str(kind).map_err(|_| PolicyError::NoEntity { name: format!("{kind}::{id}") })?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}
