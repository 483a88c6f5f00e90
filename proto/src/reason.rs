//! Why a request or a query was refused: a closed list, each with a stable code and the words that
//! the other side may know.

use crate::closed::closed_enum_word;

closed_enum_word!(
    /// Why something was refused. The word is the stable code.
    Reason, "reason", {
        /// The party on the connection is not of the kind that may call this.
        WrongParty = "WRONG_PARTY",
        /// No assertion came with the request.
        AssertionMissing = "ASSERTION_MISSING",
        /// The assertion does not parse.
        AssertionMalformed = "ASSERTION_MALFORMED",
        /// The register knows no such assertion key.
        AssertionKeyUnknown = "ASSERTION_KEY_UNKNOWN",
        /// The assertion's signature does not fit.
        AssertionSignature = "ASSERTION_SIGNATURE",
        /// The assertion was signed by another organisation than the requester's.
        AssertionSigner = "ASSERTION_SIGNER",
        /// The assertion's time is over.
        AssertionExpired = "ASSERTION_EXPIRED",
        /// The assertion's time has not begun.
        AssertionNotYet = "ASSERTION_NOT_YET",
        /// The assertion was used before, more than a retry.
        AssertionReplayed = "ASSERTION_REPLAYED",
        /// The assertion counts in another federation.
        AssertionAudience = "ASSERTION_AUDIENCE",
        /// The assertion was given to another viewer app.
        AssertionViewer = "ASSERTION_VIEWER",
        /// The request asks for sections that the assertion does not name.
        SectionsNotAsserted = "SECTIONS_NOT_ASSERTED",
        /// The requester's organisation is not an active member.
        NotAMember = "NOT_A_MEMBER",
        /// No row of the role table holds the job role.
        RoleUnknown = "ROLE_UNKNOWN",
        /// Policy allows nothing of what was asked.
        PolicyRefused = "POLICY_REFUSED",
        /// The query does not parse.
        QueryMalformed = "QUERY_MALFORMED",
        /// The register gives no broker such a query key.
        QueryKeyUnknown = "QUERY_KEY_UNKNOWN",
        /// The query's signature does not fit, or was made for another organisation.
        QuerySignature = "QUERY_SIGNATURE",
        /// The query was signed by another broker than the one on the connection.
        QuerySigner = "QUERY_SIGNER",
        /// The query's time is over.
        QueryExpired = "QUERY_EXPIRED",
        /// The query's time has not begun.
        QueryNotYet = "QUERY_NOT_YET",
        /// The query was seen before.
        QueryReplayed = "QUERY_REPLAYED",
        /// The query was made under a register more than 24 h older than the node's.
        RegisterTooOld = "REGISTER_TOO_OLD",
        /// The register that we hold no longer counts.
        RegisterExpired = "REGISTER_EXPIRED",
        /// The request does not parse.
        RequestMalformed = "REQUEST_MALFORMED",
        /// The audit log cannot be written: nothing may leave.
        AuditUnavailable = "AUDIT_UNAVAILABLE",
        /// The deadline is over.
        DeadlineExceeded = "DEADLINE_EXCEEDED",
        /// A fault of ours.
        Internal = "INTERNAL",
    }
);

impl Reason {
    /// What the other side may know, in plain words with the remedy.
    pub const fn text(self) -> &'static str {
        match self {
            Reason::WrongParty => "this certificate may not call this service",
            Reason::AssertionMissing => "send the assertion as `authorization: Bearer <token>`",
            Reason::AssertionMalformed => "the assertion does not parse; see docs/assertion.md for its claims",
            Reason::AssertionKeyUnknown => {
                "the register knows no such assertion key; check `kid` and the register's version"
            }
            Reason::AssertionSignature => "the assertion's signature does not fit",
            Reason::AssertionSigner => "the assertion must be signed by the requester's own organisation",
            Reason::AssertionExpired => "the assertion has expired; make a new one for each view",
            Reason::AssertionNotYet => "the assertion is not valid yet; check the clock that made it",
            Reason::AssertionReplayed => "the assertion was used before; make a new one for each view",
            Reason::AssertionAudience => "the assertion is for another federation",
            Reason::AssertionViewer => "the assertion was given to another viewer app",
            Reason::SectionsNotAsserted => "ask only for sections that the assertion names",
            Reason::NotAMember => "the organisation is not an active member of the federation",
            Reason::RoleUnknown => "the job role is in no row of the role table",
            Reason::PolicyRefused => "policy allows nothing of what was asked",
            Reason::QueryMalformed => "the query does not parse",
            Reason::QueryKeyUnknown => "the register gives no broker such a query key",
            Reason::QuerySignature => "the query's signature does not fit this organisation",
            Reason::QuerySigner => "the query was signed by another broker than the one on this connection",
            Reason::QueryExpired => "the query has expired; check the clocks",
            Reason::QueryNotYet => "the query is not valid yet; check the clocks",
            Reason::QueryReplayed => "the query was seen before",
            Reason::RegisterTooOld => "the query was made under a register that is more than 24 hours older",
            Reason::RegisterExpired => {
                "the register held here has expired, so nobody can be told from anybody; try again later"
            }
            Reason::RequestMalformed => "the request does not parse",
            Reason::AuditUnavailable => "the audit log cannot be written, so nothing may be released; try again later",
            Reason::DeadlineExceeded => "the deadline is over",
            Reason::Internal => "an unexpected fault; the log of the other side names it",
        }
    }
}

#[cfg(feature = "grpc")]
impl Reason {
    /// The one table to gRPC codes.
    pub const fn grpc(self) -> tonic::Code {
        use tonic::Code;
        match self {
            Reason::AssertionMissing
            | Reason::AssertionKeyUnknown
            | Reason::AssertionSignature
            | Reason::AssertionSigner
            | Reason::AssertionExpired
            | Reason::AssertionNotYet
            | Reason::AssertionReplayed
            | Reason::AssertionAudience
            | Reason::AssertionViewer
            | Reason::QueryKeyUnknown
            | Reason::QuerySignature
            | Reason::QuerySigner
            | Reason::QueryExpired
            | Reason::QueryNotYet
            | Reason::QueryReplayed => Code::Unauthenticated,
            Reason::WrongParty | Reason::NotAMember | Reason::RoleUnknown | Reason::PolicyRefused => {
                Code::PermissionDenied
            }
            Reason::AssertionMalformed
            | Reason::SectionsNotAsserted
            | Reason::QueryMalformed
            | Reason::RequestMalformed => Code::InvalidArgument,
            Reason::RegisterTooOld => Code::FailedPrecondition,
            Reason::AuditUnavailable | Reason::RegisterExpired => Code::Unavailable,
            Reason::DeadlineExceeded => Code::DeadlineExceeded,
            Reason::Internal => Code::Internal,
        }
    }

    /// The domain of `ErrorInfo`.
    pub const DOMAIN: &'static str = "weald";

    /// A status with `ErrorInfo`: the stable code, and `detail` if the caller may know more (the
    /// reason of a policy, the name of a field).
    pub fn to_status(self, detail: Option<&str>) -> tonic::Status {
        use tonic_types::{ErrorDetails, StatusExt as _};
        let text = detail.unwrap_or(self.text());
        let details = ErrorDetails::with_error_info(self.as_str(), Self::DOMAIN, []);
        tonic::Status::with_error_details(self.grpc(), text, details)
    }

    /// The reason that a status carries, if it is one of ours.
    pub fn of_status(status: &tonic::Status) -> Option<Reason> {
        use tonic_types::StatusExt as _;
        let info = status.get_details_error_info()?;
        (info.domain == Self::DOMAIN).then(|| info.reason.parse().ok()).flatten()
    }
}
