//! What may be seen of one section: a level and a filter.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Level, Malformed, Predicate, Section, limit, wire};

/// A set of predicates; an item passes if every one holds. The empty filter passes everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter(BTreeSet<Predicate>);

impl Filter {
    /// The filter of these predicates.
    pub fn of(predicates: impl IntoIterator<Item = Predicate>) -> Self {
        Filter(predicates.into_iter().collect())
    }

    /// Its predicates, in order.
    pub fn predicates(&self) -> impl Iterator<Item = Predicate> + '_ {
        self.0.iter().copied()
    }

    /// True if it asks for that predicate.
    pub fn asks(&self, predicate: Predicate) -> bool {
        self.0.contains(&predicate)
    }

    /// True if it passes everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A level and a filter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// How much of each item.
    pub level: Level,
    /// Which items.
    pub filter: Filter,
}

impl Grant {
    /// Nothing.
    pub fn none() -> Self {
        Grant { level: Level::None, filter: Filter::default() }
    }

    /// Both at once: the narrower level and both filters. Never wider than either.
    pub fn meet(&self, other: &Grant) -> Grant {
        let level = self.level.min(other.level);
        if level == Level::None {
            return Grant::none();
        }
        Grant { level, filter: Filter(self.filter.0.union(&other.filter.0).copied().collect()) }
    }

    /// True if everything this allows, `other` allows too.
    pub fn is_within(&self, other: &Grant) -> bool {
        self.level == Level::None || (self.level <= other.level && self.filter.0.is_superset(&other.filter.0))
    }

    /// For a message.
    pub fn to_wire(&self, section: Section) -> wire::SectionGrant {
        wire::SectionGrant {
            section: section.to_wire(),
            level: self.level.to_wire(),
            predicates: self.filter.predicates().map(Predicate::to_wire).collect(),
        }
    }
}

/// Parses the grants of a message: each section once.
///
/// # Errors
///
/// [`Malformed`] for an unknown section, level or predicate, a section twice, or too many predicates.
pub fn parse_grants(grants: &[wire::SectionGrant]) -> Result<BTreeMap<Section, Grant>, Malformed> {
    let mut parsed = BTreeMap::new();
    for grant in grants {
        let section = Section::from_wire(grant.section)?;
        let filter = parse_filter(&grant.predicates)?;
        let grant = Grant { level: Level::from_wire(grant.level)?, filter };
        if parsed.insert(section, grant).is_some() {
            return Err(Malformed::new("grants", "each section once"));
        }
    }
    Ok(parsed)
}

/// Parses the predicates of a message.
///
/// # Errors
///
/// [`Malformed`] for an unknown predicate, or more than 16.
pub fn parse_filter(predicates: &[i32]) -> Result<Filter, Malformed> {
    if predicates.len() > limit::PREDICATES {
        return Err(Malformed::new("predicates", "at most 16"));
    }
    Ok(Filter(predicates.iter().map(|number| Predicate::from_wire(*number)).collect::<Result<_, _>>()?))
}
