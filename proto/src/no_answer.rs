//! Why a broker has no answer of an organisation: a closed list, each with a stable code and the words that
//! the requester may know.

use std::fmt;
use std::str::FromStr;

use crate::closed::closed_enum_word;
use crate::{AnswerError, Malformed, Reason, VerifyError};

closed_enum_word!(
    /// What a broker says of an organisation that it has no answer of. The word is the stable code.
    NoAnswer, "reason_code", {
        /// It could not be reached.
        Unreachable = "UNREACHABLE",
        /// It was asked, and did not answer in time.
        TimedOut = "TIMED_OUT",
        /// It was never asked: the question waited in line until its time was over.
        NotSentInTime = "NOT_SENT_IN_TIME",
        /// It answered, and there was no room for its answer in the broker's memory until its time was over.
        NotHeardInTime = "NOT_HEARD_IN_TIME",
        /// It answered, and its answer does not fit into the summary beside the others.
        SummaryFull = "SUMMARY_FULL",
        /// By the register it holds none of the sections.
        HoldsNoneOfIt = "HOLDS_NONE_OF_IT",
        /// The answer, or something in it, does not parse.
        AnswerMalformed = "ANSWER_MALFORMED",
        /// The answer is larger than any may be.
        AnswerTooLarge = "ANSWER_TOO_LARGE",
        /// The register knows no such statement key.
        AnswerKeyUnknown = "ANSWER_KEY_UNKNOWN",
        /// The statement's signature does not fit, or was made for another query.
        AnswerSignature = "ANSWER_SIGNATURE",
        /// Another organisation signed it.
        AnswerSigner = "ANSWER_SIGNER",
        /// It states that it answers another query.
        AnswerOtherQuery = "ANSWER_OTHER_QUERY",
        /// It states other sections than were asked for.
        AnswerSections = "ANSWER_SECTIONS",
        /// Its identity block is missing, or out of place.
        AnswerIdentityMissing = "ANSWER_IDENTITY_MISSING",
        /// Its identity block is not the one that was signed.
        AnswerIdentityDigest = "ANSWER_IDENTITY_DIGEST",
        /// It is about somebody else.
        AnswerIdentity = "ANSWER_IDENTITY",
        /// A part is not stated, or comes twice.
        AnswerPartUnstated = "ANSWER_PART_UNSTATED",
        /// A part is not the one that was signed.
        AnswerPartDigest = "ANSWER_PART_DIGEST",
        /// A part is the one that was signed for another section.
        AnswerPartSwapped = "ANSWER_PART_SWAPPED",
        /// A part that is stated is not there.
        AnswerPartMissing = "ANSWER_PART_MISSING",
        /// A part has another number of items than stated.
        AnswerCount = "ANSWER_COUNT",
    }
);

impl NoAnswer {
    /// What the requester may know, in plain words.
    pub const fn text(self) -> &'static str {
        match self {
            NoAnswer::Unreachable => "it could not be reached",
            NoAnswer::TimedOut => "it did not answer in time",
            NoAnswer::NotSentInTime => "it was not asked: too many other views were waiting for it",
            NoAnswer::NotHeardInTime => {
                "it answered, and could not be heard in time: too many large answers were under way"
            }
            NoAnswer::SummaryFull => "it answered, and what it sent does not fit into this view beside the others",
            NoAnswer::HoldsNoneOfIt => "by the register it holds none of the sections asked for",
            NoAnswer::AnswerMalformed => "what it sent does not parse",
            NoAnswer::AnswerTooLarge => "what it sent is larger than an answer may be",
            NoAnswer::AnswerKeyUnknown => "what it sent is signed by a key that the register does not know",
            NoAnswer::AnswerSignature => "the signature of what it sent does not fit",
            NoAnswer::AnswerSigner => "another organisation signed what it sent",
            NoAnswer::AnswerOtherQuery => "what it sent answers another query",
            NoAnswer::AnswerSections => "what it sent states other sections than were asked for",
            NoAnswer::AnswerIdentityMissing => "what it sent does not say who it is about, or says so out of place",
            NoAnswer::AnswerIdentityDigest => "who it is about was altered after it was signed",
            NoAnswer::AnswerIdentity => "what it sent is about somebody else",
            NoAnswer::AnswerPartUnstated => "a section that it sent is not in its statement, or came twice",
            NoAnswer::AnswerPartDigest => "a section that it sent was altered after it was signed",
            NoAnswer::AnswerPartSwapped => "a section that it sent was signed as another section",
            NoAnswer::AnswerPartMissing => "a section that it stated was not sent",
            NoAnswer::AnswerCount => "a section that it sent has another number of items than it stated",
        }
    }
}

impl AnswerError {
    /// The stable reason.
    pub const fn reason(&self) -> NoAnswer {
        match self {
            AnswerError::Statement(VerifyError::UnknownKey) => NoAnswer::AnswerKeyUnknown,
            AnswerError::Statement(VerifyError::WrongSignature) => NoAnswer::AnswerSignature,
            AnswerError::Statement(VerifyError::Malformed(_)) | AnswerError::Malformed(_) => NoAnswer::AnswerMalformed,
            AnswerError::WrongSigner => NoAnswer::AnswerSigner,
            AnswerError::OtherQuery => NoAnswer::AnswerOtherQuery,
            AnswerError::WrongSections => NoAnswer::AnswerSections,
            AnswerError::NoIdentity => NoAnswer::AnswerIdentityMissing,
            AnswerError::IdentityAltered => NoAnswer::AnswerIdentityDigest,
            AnswerError::OtherPerson(_) => NoAnswer::AnswerIdentity,
            AnswerError::PartUnstated(_) => NoAnswer::AnswerPartUnstated,
            AnswerError::PartAltered(_) => NoAnswer::AnswerPartDigest,
            AnswerError::PartSwapped(_) => NoAnswer::AnswerPartSwapped,
            AnswerError::PartMissing(_) => NoAnswer::AnswerPartMissing,
            AnswerError::WrongCount(_) => NoAnswer::AnswerCount,
            AnswerError::TooManyElements(_) => NoAnswer::AnswerTooLarge,
        }
    }
}

/// Why an outcome is no answer. No code stands in both lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutcomeReason {
    /// The broker's word.
    Broker(NoAnswer),
    /// The organisation's own word: it refused.
    Organisation(Reason),
}

impl OutcomeReason {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            OutcomeReason::Broker(reason) => reason.as_str(),
            OutcomeReason::Organisation(reason) => reason.as_str(),
        }
    }

    /// The reason in plain words.
    pub const fn text(self) -> &'static str {
        match self {
            OutcomeReason::Broker(reason) => reason.text(),
            OutcomeReason::Organisation(reason) => reason.text(),
        }
    }
}

impl FromStr for OutcomeReason {
    type Err = Malformed;

    fn from_str(code: &str) -> Result<Self, Malformed> {
        code.parse().map(OutcomeReason::Broker).or_else(|_| code.parse().map(OutcomeReason::Organisation))
    }
}

impl fmt::Display for OutcomeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_tells_whose_word_it_is() {
        for reason in NoAnswer::ALL {
            assert_eq!(reason.as_str().parse(), Ok(OutcomeReason::Broker(*reason)));
        }
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(OutcomeReason::Organisation(*reason)));
        }
        assert!("INVALID".parse::<OutcomeReason>().is_err());
    }
}
