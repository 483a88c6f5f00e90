//! Writing what organisations hold as their systems would: folders of FHIR bundles, and databases.

pub mod fhir;
pub mod sqlite;

pub use fhir::{BundleKind, IDENTITIES, write_bundle, write_folder};
pub use sqlite::{Database, write_database};
