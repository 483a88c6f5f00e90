//! The baseline policies as they were when this was built.

use std::collections::BTreeMap;

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../policies/", $name)))),+]
    };
}

/// Every file of `policies/`, by name.
const FILES: &[(&str, &str)] = embedded!(
    "manifest.json",
    "schema.cedarschema",
    "entities.json",
    "roles.csv",
    "break_glass.cedar",
    "citizens.cedar",
    "clinical.cedar",
    "purposes.cedar",
    "relationships.cedar",
    "safeguarding.cedar",
    "social_care.cedar",
);

/// The files, to be checked against their manifest like any others.
pub(crate) fn files() -> BTreeMap<String, String> {
    FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}
