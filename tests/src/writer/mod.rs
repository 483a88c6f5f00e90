//! Writing what organisations hold as their systems would: FHIR bundles and databases.
