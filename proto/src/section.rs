//! Sections, levels, predicates, outcomes and states: the closed lists of the contract.

use std::collections::BTreeSet;

use crate::closed::closed_enum;
use crate::{Malformed, bounded, limit};

closed_enum!(
    /// A category of the record.
    Section, "section", {
        /// Name, birth date, address, practice, death.
        Demographics = "demographics",
        /// Next of kin, carers, children, partner.
        RelatedPeople = "related_people",
        /// Allergies and intolerances.
        Allergies = "allergies",
        /// Clinical and safety warnings that are not safeguarding.
        Alerts = "alerts",
        /// Medication.
        Medications = "medications",
        /// Problems and diagnoses.
        Conditions = "conditions",
        /// Procedures.
        Procedures = "procedures",
        /// Observations and reports.
        Results = "results",
        /// Vaccinations.
        Immunisations = "immunisations",
        /// Contacts with services.
        Encounters = "encounters",
        /// Referrals.
        Referrals = "referrals",
        /// Letters and other documents.
        Documents = "documents",
        /// Care plans.
        CarePlans = "care_plans",
        /// CPR decisions, advance decisions, powers of attorney.
        AdvanceDirectives = "advance_directives",
        /// Safeguarding of adults.
        SafeguardingAdult = "safeguarding_adult",
        /// Safeguarding of children.
        SafeguardingChild = "safeguarding_child",
        /// Social care of adults.
        SocialCareAdult = "social_care_adult",
        /// Social care of children.
        SocialCareChild = "social_care_child",
        /// Mental-health summary.
        MentalHealth = "mental_health",
        /// Professionals and teams involved.
        CareTeam = "care_team",
        /// Where the person is now.
        Location = "location",
    }
);

impl Section {
    /// Parses the sections of a request; the same one twice counts once.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for an unknown one, or for more than there are.
    pub fn of_request(numbers: &[i32]) -> Result<BTreeSet<Section>, Malformed> {
        bounded::list("sections", numbers, limit::SECTIONS, "at most 21")?;
        numbers.iter().map(|number| Section::from_wire(*number)).collect()
    }
}

closed_enum!(
    /// How much of an item. Declared from least to most, so that `min` narrows.
    Level, "level", {
        /// Nothing.
        None = "none",
        /// Whom to contact.
        Contact = "contact",
        /// That something exists, and whom to contact.
        Alert = "alert",
        /// Name, date and status; no notes and no narrative.
        Summary = "summary",
        /// Everything.
        Full = "full",
    }
);

closed_enum!(
    /// One condition of a filter, evaluated on the source's whole list.
    Predicate, "predicates", {
        /// The three newest items.
        LastThree = "last_three",
        /// Items of the last twelve months.
        Recent = "recent",
        /// Items whose status says that they are current.
        Active = "active",
        /// The newest contact that ended with a discharge.
        LastDischarge = "last_discharge",
        /// Appointments only.
        Appointments = "appointments",
        /// Risk information and crisis plans.
        RiskAndCrisis = "risk_and_crisis",
        /// End-of-life and crisis plans.
        EndOfLifeAndCrisis = "end_of_life_and_crisis",
        /// Released to the person.
        Released = "released",
        /// Tells of nobody but the person.
        NotThirdParty = "not_third_party",
        /// Not marked as to be kept from the person (NOPAT).
        NotKeptFromPerson = "not_kept_from_person",
    }
);

closed_enum!(
    /// What came of one organisation.
    Outcome, "outcome", {
        /// It answered.
        Answered = "answered",
        /// It does not know the person.
        NotKnownHere = "not_known_here",
        /// It knows the number, but not this person.
        IdentityMismatch = "identity_mismatch",
        /// It will not answer.
        Refused = "refused",
        /// It has stopped answering for now.
        Paused = "paused",
        /// It has too much to do.
        Shed = "shed",
        /// The locator does not place the person there.
        NotLocated = "not_located",
        /// The broker did not ask.
        NotAsked = "not_asked",
        /// It did not answer in time.
        TimedOut = "timed_out",
        /// It could not be reached.
        Unreachable = "unreachable",
        /// What it sent does not hold.
        Invalid = "invalid",
        /// It answered, and the broker leaves its answer out.
        LeftOut = "left_out",
    }
);

impl Outcome {
    /// True if the organisation itself says so, under its signature; false if it is the broker's word.
    pub const fn is_organisations_word(self) -> bool {
        match self {
            Outcome::Answered
            | Outcome::NotKnownHere
            | Outcome::IdentityMismatch
            | Outcome::Refused
            | Outcome::Paused
            | Outcome::Shed => true,
            Outcome::NotLocated
            | Outcome::NotAsked
            | Outcome::TimedOut
            | Outcome::Unreachable
            | Outcome::Invalid
            | Outcome::LeftOut => false,
        }
    }
}

closed_enum!(
    /// State of one section at one organisation.
    SectionState, "state", {
        /// There are items.
        Present = "present",
        /// A clinician recorded that there are none.
        AssertedNone = "asserted_none",
        /// Nothing is recorded, and nobody asserted anything.
        NoneRecorded = "none_recorded",
        /// Something is withheld.
        Withheld = "withheld",
        /// The record is on its way.
        InTransit = "in_transit",
        /// Never held here.
        NotHeld = "not_held",
        /// Left out by request or policy.
        NotAsked = "not_asked",
        /// The source could not say.
        Unavailable = "unavailable",
        /// Older than the source promises.
        Stale = "stale",
        /// Nothing that this requester may see: there is nothing, or it is concealed.
        NothingToShow = "nothing_to_show",
    }
);

closed_enum!(
    /// Why something is withheld.
    WithheldReason, "withheld_reason", {
        /// The requester's role or purpose.
        Policy = "policy",
        /// The person objected.
        Objection = "objection",
        /// The source marked it confidential.
        Confidential = "confidential",
    }
);

closed_enum!(
    /// Why a section could not be given.
    UnavailableCause, "unavailable_cause", {
        /// The local system failed.
        SourceError = "source_error",
        /// The local system was too slow.
        SourceTimeout = "source_timeout",
        /// The source says that it has no information.
        NoInformation = "no_information",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_every_number_parse_back() {
        for section in Section::ALL {
            assert_eq!(section.as_str().parse(), Ok(*section));
            assert_eq!(Section::from_wire(section.to_wire()), Ok(*section));
        }
        assert_eq!(Section::ALL.len(), 21);
    }

    #[test]
    fn the_unspecified_and_the_unknown_value_are_refused() {
        assert!(Section::from_wire(0).is_err());
        assert!(Section::from_wire(99).is_err());
        assert!("gossip".parse::<Section>().is_err());
    }

    #[test]
    fn levels_are_ordered_from_none_to_full() {
        assert!(Level::None < Level::Contact && Level::Contact < Level::Alert);
        assert!(Level::Alert < Level::Summary && Level::Summary < Level::Full);
    }
}
