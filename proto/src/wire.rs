//! Generated from `proto/weald/v1/*.proto`. Messages do not print themselves: they hold personal data.

include!(concat!(env!("OUT_DIR"), "/weald.v1.rs"));

macro_rules! opaque {
    ($($name:ident),+ $(,)?) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), " { .. }"))
            }
        }
    )+};
}

opaque!(
    Answer,
    AuditEntry,
    AuditRequester,
    BrokerNotice,
    Enrolment,
    Item,
    IdentityBlock,
    OpaquePart,
    Part,
    Query,
    SignedMessage,
    Statement,
    Summary,
    VerbatimAnswer,
    OrganisationOutcome,
    MergePlan,
    SectionCompleteness,
    SectionDecision,
    Viewed,
);
