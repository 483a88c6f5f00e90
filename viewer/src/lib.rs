//! How a viewer app calls a broker: a client that verifies everything before it shows anything.
//!
//! [`Viewer::view`] gives a [`View`] only if every signature, digest and count holds, every active
//! member of the register is accounted for, and the plan refers to every item exactly once. What it
//! hands out says how complete it is: a [`SectionView`] cannot be read without looking.

mod client;
mod error;
mod section;
mod verify;
mod view;

pub use client::{Update, Viewer, ViewerParts};
pub use error::{SummaryError, ViewError};
pub use section::{Entry, SectionView, Told};
pub use view::{Decision, Organisation, View};
