//! Why a request or a query was refused: a closed list, each with a stable code and the words that
//! the other side may know.

use std::time::Duration;

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
        /// The requester's organisation, or the one that signs for them, is not an active member.
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
        /// The request is larger than a request may be.
        RequestTooLarge = "REQUEST_TOO_LARGE",
        /// There is no such service or method here.
        MethodUnknown = "METHOD_UNKNOWN",
        /// This party makes too many requests, or too many that are refused.
        TooManyRequests = "TOO_MANY_REQUESTS",
        /// This party, or its address, holds as many connections as it may.
        TooManyConnections = "TOO_MANY_CONNECTIONS",
        /// The TLS handshake was not over in time.
        HandshakeTimedOut = "HANDSHAKE_TIMED_OUT",
        /// The TLS handshake failed otherwise.
        HandshakeFailed = "HANDSHAKE_FAILED",
        /// The connection was made for a protocol that is not spoken here.
        ProtocolUnknown = "PROTOCOL_UNKNOWN",
        /// No certificate was presented.
        CertificateMissing = "CERTIFICATE_MISSING",
        /// No root that is believed here issued the certificate.
        CertificateIssuer = "CERTIFICATE_ISSUER",
        /// The certificate's time is over.
        CertificateExpired = "CERTIFICATE_EXPIRED",
        /// The certificate's time has not begun.
        CertificateNotYet = "CERTIFICATE_NOT_YET",
        /// The certificate is not for this use.
        CertificateUsage = "CERTIFICATE_USAGE",
        /// The certificate names nobody of this federation.
        CertificateName = "CERTIFICATE_NAME",
        /// The certificate does not hold otherwise.
        CertificateInvalid = "CERTIFICATE_INVALID",
        /// No register file of that name is served.
        FileUnknown = "FILE_UNKNOWN",
        /// This broker passes no enrolment on.
        EnrolmentNotOffered = "ENROLMENT_NOT_OFFERED",
        /// The authority issues no certificate for this.
        EnrolmentRefused = "ENROLMENT_REFUSED",
        /// The authority cannot be asked, or has not answered.
        AuthorityUnavailable = "AUTHORITY_UNAVAILABLE",
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
            Reason::RequestTooLarge => "the request is larger than a request may be",
            Reason::MethodUnknown => "there is no such service or method here",
            Reason::TooManyRequests => "too many requests, or too many that are refused; wait, then try again",
            Reason::TooManyConnections => "too many connections; close some, or use those that are open",
            Reason::HandshakeTimedOut => "the TLS handshake took too long",
            Reason::HandshakeFailed => "the TLS handshake failed; TLS 1.3 and a client certificate are needed",
            Reason::ProtocolUnknown => "name a protocol that is spoken here (ALPN): `h2`",
            Reason::CertificateMissing => "present a client certificate",
            Reason::CertificateIssuer => "the certificate was issued by nobody that is believed here",
            Reason::CertificateExpired => "the certificate has expired; renew it",
            Reason::CertificateNotYet => "the certificate is not valid yet; check the clocks",
            Reason::CertificateUsage => "the certificate is not for this use (extended key usage)",
            Reason::CertificateName => "the certificate must hold one SPIFFE id of this federation",
            Reason::CertificateInvalid => "the certificate does not hold",
            Reason::FileUnknown => "no register file of that name is served here",
            Reason::EnrolmentNotOffered => {
                "this broker passes no enrolment on; ask its operator, or try another broker of the federation"
            }
            Reason::EnrolmentRefused => {
                "the authority issues no certificate for this; ask the federation's authority for a new token"
            }
            Reason::AuthorityUnavailable => {
                "the authority did not answer, so nobody knows whether the token still counts; try again with the same one"
            }
            Reason::AuditUnavailable => "the audit log cannot be written, so nothing may be released; try again later",
            Reason::DeadlineExceeded => "the deadline is over",
            Reason::Internal => "an unexpected fault; the log of the other side names it",
        }
    }

    /// How long to wait before the same may be tried again; nothing for what comes out the same until
    /// something is mended.
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Reason::TooManyRequests | Reason::TooManyConnections | Reason::DeadlineExceeded => {
                Some(Duration::from_secs(1))
            }
            Reason::AuditUnavailable => Some(Duration::from_secs(5)),
            Reason::AuthorityUnavailable => Some(Duration::from_secs(30)),
            Reason::RegisterExpired => Some(Duration::from_secs(60)),
            _ => None,
        }
    }
}
