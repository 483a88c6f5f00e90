//! Kinds of organisation.

use crate::closed::closed_enum_word;

closed_enum_word!(
    /// What kind of organisation a member is, as the register says.
    OrganisationKind, "kind", {
        /// An acute hospital trust.
        Acute = "acute",
        /// A general practice.
        GpPractice = "gp_practice",
        /// A community health provider.
        Community = "community",
        /// A mental-health trust.
        MentalHealth = "mental_health",
        /// A council's social care.
        SocialCare = "social_care",
        /// An ambulance service.
        Ambulance = "ambulance",
        /// A care home or home-care provider.
        CareProvider = "care_provider",
        /// The provider of an app for citizens; holds no records of its own.
        AppProvider = "app_provider",
    }
);
