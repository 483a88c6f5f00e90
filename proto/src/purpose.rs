//! Purposes of use.

use std::fmt;
use std::str::FromStr;

use crate::Malformed;

/// A purpose of use, by its code in HL7 v3-ActReason. Knowing a purpose is not allowing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Treatment.
    Treatment,
    /// Coordination of care.
    Coordination,
    /// Emergency treatment, by staff entitled to it.
    EmergencyTreatment,
    /// Break the glass: not provisioned for this purpose.
    BreakGlass,
    /// The person's own request.
    PatientRequest,
    /// A family member's request on behalf of the person.
    FamilyRequest,
    /// A holder of power of attorney.
    PowerOfAttorney,
    /// Compliance: logs and reconstruction, for privacy officers.
    Compliance,
    /// Research.
    Research,
    /// Population health.
    PopulationHealth,
    /// Care management of groups.
    CareManagement,
    /// Operations.
    Operations,
    /// Patient administration.
    PatientAdministration,
    /// Public health.
    PublicHealth,
    /// Payment.
    Payment,
    /// Marketing.
    Marketing,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: &'static [Purpose] = &[
        Purpose::Treatment,
        Purpose::Coordination,
        Purpose::EmergencyTreatment,
        Purpose::BreakGlass,
        Purpose::PatientRequest,
        Purpose::FamilyRequest,
        Purpose::PowerOfAttorney,
        Purpose::Compliance,
        Purpose::Research,
        Purpose::PopulationHealth,
        Purpose::CareManagement,
        Purpose::Operations,
        Purpose::PatientAdministration,
        Purpose::PublicHealth,
        Purpose::Payment,
        Purpose::Marketing,
    ];

    /// The code.
    pub const fn code(self) -> &'static str {
        match self {
            Purpose::Treatment => "TREAT",
            Purpose::Coordination => "COC",
            Purpose::EmergencyTreatment => "ETREAT",
            Purpose::BreakGlass => "BTG",
            Purpose::PatientRequest => "PATRQT",
            Purpose::FamilyRequest => "FAMRQT",
            Purpose::PowerOfAttorney => "PWATRNY",
            Purpose::Compliance => "HCOMPL",
            Purpose::Research => "HRESCH",
            Purpose::PopulationHealth => "POPHLTH",
            Purpose::CareManagement => "CAREMGT",
            Purpose::Operations => "HOPERAT",
            Purpose::PatientAdministration => "PATADMIN",
            Purpose::PublicHealth => "PUBHLTH",
            Purpose::Payment => "HPAYMT",
            Purpose::Marketing => "HMARKT",
        }
    }
}

impl FromStr for Purpose {
    type Err = Malformed;

    fn from_str(code: &str) -> Result<Self, Malformed> {
        Purpose::ALL
            .iter()
            .copied()
            .find(|purpose| purpose.code() == code)
            .ok_or(Malformed::new("purpose", "a purpose of use of HL7 v3-ActReason that Weald knows"))
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_parses_back_and_an_unknown_one_is_refused() {
        for purpose in Purpose::ALL {
            assert_eq!(purpose.code().parse(), Ok(*purpose));
        }
        assert!("CURIOSITY".parse::<Purpose>().is_err());
        assert!("treat".parse::<Purpose>().is_err());
    }
}
