//! Whose fault a refusal is: who is refused too often for it.

use weald_proto::Reason;

use crate::door::Listener;

/// Who did what a call was refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// Whoever called.
    Caller,
    /// Whoever wants the record. That is the caller at a broker's port. At a node's port it is somebody
    /// behind the broker, who could else lock the broker out of the node, and with it everybody.
    Asker,
    /// Nobody who calls: clocks and registers that have drifted apart, or what failed here. Or whoever sits before
    /// a viewer app, of whom it says under a good signature who it is: one who may not have a record could else
    /// keep it from everybody else who uses that app.
    Nobody,
}

/// True if a call that was refused for `reason` is held against its caller at that port.
pub(super) fn is_callers(reason: Reason, at: Listener) -> bool {
    match (of(reason), at) {
        (Blame::Caller, _) | (Blame::Asker, Listener::Broker) => true,
        (Blame::Asker, Listener::Node | Listener::Authority) | (Blame::Nobody, _) => false,
    }
}

/// Every reason by name, so that a new one does not compile until somebody is blamed for it, or nobody.
const fn of(reason: Reason) -> Blame {
    match reason {
        Reason::WrongParty
        | Reason::QueryMalformed
        | Reason::QueryKeyUnknown
        | Reason::QuerySignature
        | Reason::QuerySigner
        | Reason::QueryReplayed
        | Reason::RequestMalformed
        | Reason::RequestTooLarge
        | Reason::FileUnknown
        | Reason::MethodUnknown => Blame::Caller,
        Reason::AssertionMissing
        | Reason::AssertionMalformed
        | Reason::AssertionKeyUnknown
        | Reason::AssertionSignature
        | Reason::AssertionSigner
        | Reason::AssertionExpired
        | Reason::AssertionNotYet
        | Reason::AssertionReplayed
        | Reason::AssertionAudience
        | Reason::AssertionViewer
        | Reason::SectionsNotAsserted
        | Reason::NotAMember
        | Reason::EnrolmentRefused => Blame::Asker,
        Reason::RoleUnknown
        | Reason::PolicyRefused
        | Reason::QueryExpired
        | Reason::QueryNotYet
        | Reason::RegisterTooOld
        | Reason::RegisterExpired
        | Reason::TooManyRequests
        | Reason::TooManyConnections
        | Reason::HandshakeTimedOut
        | Reason::HandshakeFailed
        | Reason::ProtocolUnknown
        | Reason::CertificateMissing
        | Reason::CertificateIssuer
        | Reason::CertificateExpired
        | Reason::CertificateNotYet
        | Reason::CertificateUsage
        | Reason::CertificateName
        | Reason::CertificateInvalid
        | Reason::EnrolmentNotOffered
        | Reason::AuthorityUnavailable
        | Reason::AuditUnavailable
        | Reason::DeadlineExceeded
        | Reason::Internal => Blame::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_asker_did_is_held_against_a_viewer_app_and_not_against_a_broker_that_passes_it_on() {
        for reason in Reason::ALL {
            let name = reason.as_str();
            let is_asker = name.starts_with("ASSERTION_")
                || ["SECTIONS_NOT_ASSERTED", "NOT_A_MEMBER", "ENROLMENT_REFUSED"].contains(&name);
            let is_broker = !["QUERY_EXPIRED", "QUERY_NOT_YET"].contains(&name)
                && (name.starts_with("QUERY_") || name.starts_with("REQUEST_"))
                || ["METHOD_UNKNOWN", "WRONG_PARTY", "FILE_UNKNOWN"].contains(&name);
            assert_eq!(is_callers(*reason, Listener::Node), is_broker, "{reason} at a node's port");
            assert_eq!(is_callers(*reason, Listener::Broker), is_broker || is_asker, "{reason} at a broker's port");
        }
    }
}
