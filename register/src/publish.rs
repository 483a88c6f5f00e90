//! The maker's side: roots, which people sign one after the other, and editions, which online keys sign.

mod edition;
mod root_draft;

pub use edition::{Edition, EditionKeys, EditionTerms, Previous, PublishedFile, member_shards};
pub use root_draft::{Change, DraftError, RoleHolders, RootDraft, RootPlan};
