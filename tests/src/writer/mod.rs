//! Writing what organisations hold as their systems would: folders of FHIR bundles, and databases.

pub mod fhir;

pub use fhir::{BundleKind, write_bundle, write_folder};
