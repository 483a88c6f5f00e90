//! Reasons as gRPC statuses, with details as `google.rpc` defines them (`error_details.proto`).

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{Malformed, Reason};

/// What the other side may know of a refusal beyond its reason. Never a value of the input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Instead of the reason's own words: the reasons of policies, the name of a field.
    pub text: Option<String>,
    /// The field that does not parse, for `BadRequest`.
    pub field: Option<Malformed>,
    /// When it may be tried again, if that differs from [`Reason::retry_after`].
    pub retry_after: Option<Duration>,
}

impl Told {
    /// Words instead of the reason's own.
    pub fn text(text: impl Into<String>) -> Self {
        Told { text: Some(text.into()), ..Told::default() }
    }

    /// What does not parse, named, because only the other side can mend it.
    pub fn field(what: &str, fault: &Malformed) -> Self {
        Told { text: Some(format!("{what} does not parse: {fault}")), field: Some(fault.clone()), retry_after: None }
    }

    /// A wait that was worked out.
    pub fn wait(retry_after: Duration) -> Self {
        Told { retry_after: Some(retry_after), ..Told::default() }
    }
}

impl Reason {
    /// The one table to gRPC codes.
    pub const fn grpc(self) -> Code {
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
            | Reason::QueryReplayed
            | Reason::HandshakeFailed
            | Reason::CertificateMissing
            | Reason::CertificateIssuer
            | Reason::CertificateExpired
            | Reason::CertificateNotYet
            | Reason::CertificateUsage
            | Reason::CertificateName
            | Reason::CertificateInvalid => Code::Unauthenticated,
            Reason::WrongParty
            | Reason::NotAMember
            | Reason::RoleUnknown
            | Reason::PolicyRefused
            | Reason::EnrolmentRefused => Code::PermissionDenied,
            Reason::AssertionMalformed
            | Reason::SectionsNotAsserted
            | Reason::QueryMalformed
            | Reason::RequestMalformed
            | Reason::ProtocolUnknown => Code::InvalidArgument,
            Reason::RequestTooLarge => Code::OutOfRange,
            Reason::MethodUnknown => Code::Unimplemented,
            Reason::TooManyRequests | Reason::TooManyConnections => Code::ResourceExhausted,
            Reason::FileUnknown => Code::NotFound,
            Reason::RegisterTooOld | Reason::EnrolmentNotOffered => Code::FailedPrecondition,
            Reason::AuditUnavailable | Reason::RegisterExpired | Reason::AuthorityUnavailable => Code::Unavailable,
            Reason::DeadlineExceeded | Reason::HandshakeTimedOut => Code::DeadlineExceeded,
            Reason::Internal => Code::Internal,
        }
    }

    /// The domain of `ErrorInfo`.
    pub const DOMAIN: &'static str = "weald";

    /// A status with `ErrorInfo` (the stable code), `RetryInfo` where trying again may help, and
    /// `BadRequest` where a field is to be mended.
    pub fn to_status(self, told: &Told) -> Status {
        let mut details = ErrorDetails::with_error_info(self.as_str(), Self::DOMAIN, []);
        if let Some(wait) = told.retry_after.or(self.retry_after()) {
            details.set_retry_info(Some(wait));
        }
        if let Some(fault) = &told.field {
            details.add_bad_request_violation(fault.field, fault.expected);
        }
        Status::with_error_details(self.grpc(), told.text.as_deref().unwrap_or(self.text()), details)
    }

    /// The reason that a status carries, if it is one of ours.
    pub fn of_status(status: &Status) -> Option<Reason> {
        let info = status.get_details_error_info()?;
        (info.domain == Self::DOMAIN).then(|| info.reason.parse().ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_when_to_try_again_and_only_where_that_may_help() {
        let wait = |reason: Reason, told: &Told| {
            reason.to_status(told).get_details_retry_info().and_then(|info| info.retry_delay)
        };
        for reason in Reason::ALL {
            assert_eq!(wait(*reason, &Told::default()), reason.retry_after(), "{reason}");
        }
        assert_eq!(Reason::PolicyRefused.retry_after(), None);
        let told = Told::wait(Duration::from_millis(2500));
        assert_eq!(wait(Reason::TooManyRequests, &told), Some(Duration::from_millis(2500)));
    }

    #[test]
    fn a_status_names_the_field_that_is_to_be_mended_and_no_value() {
        let status =
            Reason::RequestMalformed.to_status(&Told::field("the request", &Malformed::new("sections", "known")));
        assert_eq!(status.message(), "the request does not parse: field `sections`: known");
        let [violation] = &status.get_details_bad_request().unwrap().field_violations[..] else { panic!("one field") };
        assert_eq!((violation.field.as_str(), violation.description.as_str()), ("sections", "known"));
        assert!(Reason::PolicyRefused.to_status(&Told::text("why")).get_details_bad_request().is_none());
    }
}
