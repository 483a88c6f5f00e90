//! How a system writes down what is on a chart: the items that every source must yield.
//!
//! An item has the fields that its FHIR resource can carry and no others, so that a bundle and a
//! database can hold the same.

mod clinical;
mod contacts;
mod decisions;
mod medication;
mod people;
mod results;
mod support;

use std::collections::BTreeMap;

use weald_proto::Section;
use weald_proto::wire::Item;

use super::chart::Chart;
use super::desk::Desk;

pub(crate) use people::{Particulars, demographics};

/// What an organisation holds of a person, section by section; no section is present without items.
pub(crate) type Sections = BTreeMap<Section, Vec<Item>>;

/// Writes a whole chart down.
pub(crate) fn write(desk: &mut Desk, chart: &Chart) -> Sections {
    let mut sections = Sections::new();
    for (section, item) in clinical::items(desk, chart)
        .into_iter()
        .chain(medication::items(desk, chart))
        .chain(results::items(desk, chart))
    {
        sections.entry(section).or_default().push(item);
    }
    for (section, item) in contacts::items(desk, chart)
        .into_iter()
        .chain(decisions::items(desk, chart))
        .chain(support::items(desk, chart))
        .chain(people::items(desk, chart))
    {
        sections.entry(section).or_default().push(item);
    }
    sections
}
