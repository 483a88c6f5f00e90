//! What was planted in a person's records.

/// One line of what must never be merged away (domain rules, 6.4). Each is planted in at least 1 % of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conflict {
    /// An allergy at one organisation, "no known allergies" at another.
    AllergyAgainstNone,
    /// An allergy active at one, ended at another.
    ActiveAgainstEnded,
    /// An allergy active at one, refuted at another.
    ActiveAgainstRefuted,
    /// The same allergy with different criticality.
    DifferentSeverity,
    /// The same allergy with different reactions.
    DifferentReaction,
    /// The same allergy suspected at one, confirmed at another.
    SuspectedAgainstConfirmed,
    /// The same medicine in different doses.
    DifferentDose,
    /// The same moiety in different strengths.
    DifferentStrength,
    /// The same moiety in different forms.
    DifferentForm,
    /// The same medicine by different routes.
    DifferentRoute,
    /// The same medicine at different frequencies.
    DifferentFrequency,
    /// The same medicine since, or until, different days.
    DifferentStartOrStop,
    /// The same medicine acute at one, on repeat at another.
    AcuteAgainstRepeat,
    /// Lithium by brand at one, by generic name at another.
    BrandThatMatters,
    /// Stopped in hospital, still active at the practice.
    StoppedInHospital,
    /// CPR decisions that contradict each other on one day.
    CprContradiction,
    /// A later CPR decision elsewhere than the earlier one.
    CprLaterDecision,
    /// A person near the end of life for whom nobody holds a CPR decision.
    CprMissing,
    /// A safeguarding alert.
    SafeguardingAlert,
    /// An entry that a record transfer degraded.
    DegradedEntry,
    /// An item entered in error.
    EnteredInError,
    /// Free text that no code says.
    FreeText,
}

/// A way in which the same thing arrives twice without contradicting itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Overlap {
    /// One allergy as disorder, as substance, and as the product once prescribed.
    AllergyInThreeStyles,
    /// One medicine under its present and its previous dm+d id.
    MedicineUnderTwoIds,
    /// One medicine under one id, with the dm+d and with the SNOMED CT URI.
    MedicineUnderTwoSystems,
    /// The same thing, told identically by two organisations.
    ToldTwice,
    /// One referral, with one booking reference, at both ends.
    SharedReferral,
    /// An older version of a record beside its successor.
    SupersededVersion,
}

impl Conflict {
    /// Every conflict.
    pub const ALL: [Conflict; 22] = [
        Conflict::AllergyAgainstNone,
        Conflict::ActiveAgainstEnded,
        Conflict::ActiveAgainstRefuted,
        Conflict::DifferentSeverity,
        Conflict::DifferentReaction,
        Conflict::SuspectedAgainstConfirmed,
        Conflict::DifferentDose,
        Conflict::DifferentStrength,
        Conflict::DifferentForm,
        Conflict::DifferentRoute,
        Conflict::DifferentFrequency,
        Conflict::DifferentStartOrStop,
        Conflict::AcuteAgainstRepeat,
        Conflict::BrandThatMatters,
        Conflict::StoppedInHospital,
        Conflict::CprContradiction,
        Conflict::CprLaterDecision,
        Conflict::CprMissing,
        Conflict::SafeguardingAlert,
        Conflict::DegradedEntry,
        Conflict::EnteredInError,
        Conflict::FreeText,
    ];
}

impl Overlap {
    /// Every overlap.
    pub const ALL: [Overlap; 6] = [
        Overlap::AllergyInThreeStyles,
        Overlap::MedicineUnderTwoIds,
        Overlap::MedicineUnderTwoSystems,
        Overlap::ToldTwice,
        Overlap::SharedReferral,
        Overlap::SupersededVersion,
    ];
}
