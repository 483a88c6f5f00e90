//! The local systems that a node can read: folders of FHIR bundles, and SQL databases by declared mapping.
//!
//! Both are behind [`RecordStore`](crate::RecordStore), read only, and cancelled when the reading is
//! dropped. FHIR is mapped to items once, in `fhir`; what makes a section empty, asserted or
//! unavailable is decided once, in `state`.

pub mod bundle;
mod cancel;
mod fhir;
mod negation;
pub mod notice;
pub mod sqlite;
mod stamp;
mod state;

pub use bundle::BundleFolder;
pub use notice::Notice;
pub use sqlite::SqliteDatabase;
