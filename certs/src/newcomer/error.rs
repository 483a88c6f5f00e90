//! Why a newcomer did not get what it asked for, once it was connected.

use tonic::Code;
use tonic::Status;
use weald_proto::Reason;

use crate::diagnosis::Whom;
use crate::register::RegisterError;

/// Why a newcomer did not get what it asked for. Reads like a [`Diagnosis`](crate::Diagnosis): one line that says
/// what was seen, what to do about it, and whom to ask.
#[derive(Debug, thiserror::Error)]
#[error("{what}. {remedy}. Ask: {ask}.", what = self.what(), remedy = self.remedy(), ask = self.ask())]
#[non_exhaustive]
pub enum NewcomerError {
    /// The broker, or the authority behind it, says no, and why.
    Refused(Reason),
    /// The connection ended.
    HungUp,
    /// Not done within the time given.
    TimedOut,
    /// What arrived is not what the protocol says.
    Garbled,
    /// The file is larger than any register file.
    TooLarge,
    /// The register is of another version than was said.
    OtherVersion,
    /// The register does not hold.
    Register(#[from] RegisterError),
    /// The certificate that arrived is not that of the party, or none of our roots issued it.
    OtherCertificate,
}

impl NewcomerError {
    fn what(&self) -> String {
        match self {
            NewcomerError::Refused(reason) => format!("{reason}: {}", reason.text()),
            NewcomerError::HungUp => "the broker hung up before it had answered".to_owned(),
            NewcomerError::TimedOut => "the broker did not answer within the time given".to_owned(),
            NewcomerError::Garbled => "what the broker sent is not what was asked for".to_owned(),
            NewcomerError::TooLarge => "the register file is larger than any may be".to_owned(),
            NewcomerError::OtherVersion => "the register is of another version than the broker said".to_owned(),
            NewcomerError::Register(error) => error.to_string(),
            NewcomerError::OtherCertificate => {
                "the certificate that came back is not ours, or no root of this federation issued it".to_owned()
            }
        }
    }

    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            NewcomerError::Refused(Reason::EnrolmentRefused) => {
                "Check that the token is for this organisation, unused and not older than it may be; else ask for a new one"
            }
            NewcomerError::Refused(Reason::EnrolmentNotOffered) => "Try another broker of the federation",
            NewcomerError::Refused(Reason::RequestMalformed | Reason::FileUnknown | Reason::MethodUnknown) => {
                "Check that this program and the broker are of versions that fit"
            }
            NewcomerError::Refused(_) | NewcomerError::HungUp | NewcomerError::TimedOut => {
                "Try again in a minute, with the same token if there is one"
            }
            NewcomerError::Garbled | NewcomerError::TooLarge | NewcomerError::OtherVersion => {
                "Do not trust this broker: try another one of the federation"
            }
            NewcomerError::Register(RegisterError::NotYetIssued { .. }) => {
                "Check this machine's clock and its time service"
            }
            NewcomerError::Register(_) => {
                "Check the federation's name and the keys that may sign its register; if they are right, the broker has a wrong or an old one"
            }
            NewcomerError::OtherCertificate => {
                "Check this machine's clock and that the roots are those of the federation; if they are right, do not use what came back"
            }
        }
    }

    /// Who can put it right, first of all.
    pub const fn ask(&self) -> Whom {
        match self {
            NewcomerError::Refused(Reason::EnrolmentRefused)
            | NewcomerError::Register(_)
            | NewcomerError::OtherCertificate => Whom::Authority,
            NewcomerError::Refused(_)
            | NewcomerError::HungUp
            | NewcomerError::TimedOut
            | NewcomerError::Garbled
            | NewcomerError::TooLarge
            | NewcomerError::OtherVersion => Whom::Broker,
        }
    }
}

impl From<Status> for NewcomerError {
    fn from(status: Status) -> Self {
        match (Reason::of_status(&status), status.code()) {
            (Some(reason), _) => NewcomerError::Refused(reason),
            (None, Code::OutOfRange) => NewcomerError::Garbled,
            (None, _) => NewcomerError::HungUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_reads_is_one_line_with_remedy_and_whom_to_ask() {
        assert_eq!(
            NewcomerError::Refused(Reason::EnrolmentNotOffered).to_string(),
            "ENROLMENT_NOT_OFFERED: this broker passes no enrolment on; ask its operator, or try another broker of the \
             federation. Try another broker of the federation. Ask: broker."
        );
        for error in [NewcomerError::HungUp, NewcomerError::Garbled, NewcomerError::OtherCertificate] {
            assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}
