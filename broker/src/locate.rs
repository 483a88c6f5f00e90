//! Third step: where may something be held? This file alone knows how; the rest sees [`Located`].
//!
//! The locator is the register for now: every active member that holds a permitted section is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weald_certs::{Expected, Register};
use weald_proto::{Grant, OdsCode, Section};

use crate::broker::Broker;
use crate::decide::Decided;

/// Who is to be asked for what, and who is not.
#[derive(Debug)]
pub struct Located {
    /// The register that was used, for the whole of this view.
    pub register: Arc<Register>,
    /// For each organisation to be asked, the grants of its query: the permitted sections that it holds.
    pub asked: BTreeMap<OdsCode, BTreeMap<Section, Grant>>,
    /// Organisations that are named and not asked, because they hold no permitted section.
    pub not_asked: BTreeSet<OdsCode>,
    /// Whose answer each section needs, and who is only counted.
    pub expected: Expected,
}

/// Locates.
pub fn locate(broker: &Broker, decided: &Decided) -> Located {
    let register = broker.register();
    let grants = decided.permitted.permit().grants();
    let permitted: BTreeSet<Section> = grants.keys().copied().collect();
    let expected = Expected::of(&register, &permitted, &BTreeSet::new());
    let mut asked = BTreeMap::new();
    let mut not_asked = BTreeSet::new();
    for organisation in expected.named() {
        let held: BTreeMap<Section, Grant> = grants
            .iter()
            .filter(|(section, _)| expected.of_section(**section).contains(organisation))
            .map(|(section, grant)| (*section, grant.clone()))
            .collect();
        if held.is_empty() {
            not_asked.insert(organisation.clone());
        } else {
            asked.insert(organisation.clone(), held);
        }
    }
    Located { register, asked, not_asked, expected }
}
