//! FHIR R4 to items, once for every source that speaks FHIR: with the habits of UK Core, US Core and IPS.
//!
//! [`table`] says which resource goes to which section; one file per family of sections says how.

mod age;
mod allergy;
mod author;
pub(crate) mod bundle;
mod codes;
pub(crate) mod composition;
mod condition;
mod directive;
mod document;
pub(crate) mod element;
mod encounter;
mod flag;
mod immunisation;
mod item;
pub(crate) mod json;
mod medication;
mod person;
mod plan;
mod referral;
pub(crate) mod resource;
mod result;
mod shape;
mod social;
pub(crate) mod subject;
pub(crate) mod table;
mod team;
mod version;
