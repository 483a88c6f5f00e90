//! The organisations that know the population, and what each kind of them holds.

use weald_proto::{OrganisationKind, Section};

use OrganisationKind::{Acute, Ambulance, Community, GpPractice, MentalHealth, SocialCare};

/// One organisation of the synthetic federation.
#[derive(Debug, PartialEq, Eq)]
pub struct Organisation {
    /// ODS code. Practices and the council have codes that are never issued.
    pub ods: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: OrganisationKind,
    /// URI of the system that its records come from.
    pub source_system: &'static str,
    /// URI of the namespace of its local identifiers.
    pub local_system: &'static str,
    /// What its local identifiers begin with.
    pub(crate) local_prefix: &'static str,
    /// Its switchboard; a number reserved for fiction.
    pub(crate) phone: &'static str,
    /// Who works there.
    pub(crate) staff: &'static [Staff],
}

impl Organisation {
    /// Name and code, as a contact names an organisation.
    pub(crate) fn full_name(&self) -> String {
        format!("{}, {}", self.name, self.ods)
    }
}

/// Somebody who works for an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Staff {
    /// Local or professional id.
    pub(crate) id: &'static str,
    /// Name.
    pub(crate) name: &'static str,
    /// Role, in the organisation's words.
    pub(crate) role: &'static str,
}

const fn staff(id: &'static str, name: &'static str, role: &'static str) -> Staff {
    Staff { id, name, role }
}

macro_rules! organisation {
    ($ods:literal, $name:literal, $kind:ident, $prefix:literal, $phone:literal, [$($id:literal $who:literal $role:literal),+]) => {
        Organisation {
            ods: $ods,
            name: $name,
            kind: $kind,
            source_system: concat!("https://weald.example/source/", $ods),
            local_system: concat!("https://weald.example/Id/", $ods),
            local_prefix: $prefix,
            phone: $phone,
            staff: &[$(staff($id, $who, $role)),+],
        }
    };
}

/// East Kent's acute trust.
pub static EAST_KENT: Organisation = organisation!(
    "RVV", "East Kent Hospitals (synthetic)", Acute, "EK", "01632 960101",
    ["C9900001" "Dr Testa Consultant" "Consultant physician", "N9900002" "Sister Mock Ward" "Ward manager",
     "C9900003" "Mr Sample Surgeon" "Consultant surgeon"]
);
/// West Kent's acute trust.
pub static WEST_KENT: Organisation = organisation!(
    "RWF", "Maidstone and Tunbridge Wells (synthetic)", Acute, "MTW", "01632 960102",
    ["C9900011" "Dr Demo Registrar" "Specialty registrar", "N9900012" "Nurse Example Staff" "Staff nurse",
     "C9900013" "Dr Figment Casualty" "Consultant in emergency medicine"]
);
/// The first practice of the demo.
pub static HOPFIELD: Organisation = organisation!(
    "G99001", "Hopfield Surgery (synthetic)", GpPractice, "HF", "01632 960103",
    ["G9900021" "Dr Fictional Practice" "General medical practitioner",
     "G9900022" "Dr Imogen Invented" "General medical practitioner", "N9900023" "Nurse Paula Pretend" "Practice nurse"]
);
/// The second practice of the demo.
pub static OASTHOUSE: Organisation = organisation!(
    "G99002", "Oasthouse Medical Centre (synthetic)", GpPractice, "OH", "01632 960104",
    ["G9900031" "Dr Mocking Bird" "General medical practitioner",
     "P9900032" "Phil Pharmacist-Sample" "Clinical pharmacist", "N9900033" "Nurse Norma Notreal" "Practice nurse"]
);
/// The community provider.
pub static COMMUNITY: Organisation = organisation!(
    "RYY", "Kent Community Health (synthetic)", Community, "KC", "01632 960105",
    ["N9900041" "Nurse Dora District" "District nurse", "H9900042" "Theo Therapist-Test" "Physiotherapist",
     "N9900043" "Nurse Tilly Tissue" "Tissue viability nurse"]
);
/// The mental-health trust.
pub static MENTAL_HEALTH: Organisation = organisation!(
    "RXY", "Kent and Medway Mental Health (synthetic)", MentalHealth, "KM", "01632 960106",
    ["C9900051" "Dr Psyche Placeholder" "Consultant psychiatrist",
     "N9900052" "Nurse Carey Coordinator" "Care coordinator"]
);
/// The county council's social care.
pub static SOCIAL_CARE: Organisation = organisation!(
    "X9KCC", "Kent County Council social care (synthetic)", SocialCare, "SC", "01632 960107",
    ["S9900061" "Sonia Socialworker" "Social worker, adults", "S9900062" "Cal Childcare" "Social worker, children"]
);
/// The ambulance service.
pub static AMBULANCE: Organisation = organisation!(
    "RYD", "South East Coast Ambulance (synthetic)", Ambulance, "SE", "01632 960108",
    ["H9900071" "Perry Paramedic" "Paramedic", "H9900072" "Blue Lightwell" "Advanced paramedic"]
);
/// A practice outside the demo.
pub static COBNUT: Organisation = organisation!(
    "G99003", "Cobnut Lane Surgery (synthetic)", GpPractice, "CN", "01632 960109",
    ["G9900081" "Dr Cobb Nutter" "General medical practitioner"]
);
/// Another practice outside the demo.
pub static MEDWAY_PIER: Organisation = organisation!(
    "G99004", "Medway Pier Practice (synthetic)", GpPractice, "MP", "01632 960110",
    ["G9900091" "Dr Pier Sampleton" "General medical practitioner"]
);

/// The eight organisations of the demo: two acute trusts, two practices, community, mental health,
/// county social care, ambulance.
pub static DEMO: [&Organisation; 8] =
    [&EAST_KENT, &WEST_KENT, &HOPFIELD, &OASTHOUSE, &COMMUNITY, &MENTAL_HEALTH, &SOCIAL_CARE, &AMBULANCE];

/// Every organisation that knows somebody.
pub static ORGANISATIONS: [&Organisation; 10] = [
    &EAST_KENT,
    &WEST_KENT,
    &HOPFIELD,
    &OASTHOUSE,
    &COMMUNITY,
    &MENTAL_HEALTH,
    &SOCIAL_CARE,
    &AMBULANCE,
    &COBNUT,
    &MEDWAY_PIER,
];

/// Which sections an organisation of a kind holds; the register is built from this.
///
/// A holding has items in no other section. A section in the list may still be empty for a person.
pub const fn sections_held(kind: OrganisationKind) -> &'static [Section] {
    use Section::*;
    match kind {
        OrganisationKind::Acute => &[
            Demographics,
            RelatedPeople,
            Allergies,
            Alerts,
            Medications,
            Conditions,
            Procedures,
            Results,
            Encounters,
            Referrals,
            Documents,
            AdvanceDirectives,
            CareTeam,
            Location,
        ],
        OrganisationKind::GpPractice => &[
            Demographics,
            RelatedPeople,
            Allergies,
            Alerts,
            Medications,
            Conditions,
            Procedures,
            Results,
            Immunisations,
            Encounters,
            Referrals,
            Documents,
            CarePlans,
            AdvanceDirectives,
            SafeguardingAdult,
            SafeguardingChild,
            CareTeam,
        ],
        OrganisationKind::Community => &[
            Demographics,
            Allergies,
            Alerts,
            Conditions,
            Results,
            Immunisations,
            Encounters,
            Referrals,
            Documents,
            CarePlans,
            AdvanceDirectives,
            CareTeam,
            Location,
        ],
        OrganisationKind::MentalHealth => &[
            Demographics,
            RelatedPeople,
            Allergies,
            Alerts,
            Medications,
            Conditions,
            Encounters,
            Referrals,
            Documents,
            CarePlans,
            SafeguardingAdult,
            MentalHealth,
            CareTeam,
            Location,
        ],
        OrganisationKind::SocialCare => &[
            Demographics,
            RelatedPeople,
            Alerts,
            Referrals,
            CarePlans,
            SafeguardingAdult,
            SafeguardingChild,
            SocialCareAdult,
            SocialCareChild,
            CareTeam,
        ],
        OrganisationKind::Ambulance => &[Demographics, Alerts, Results, Encounters, AdvanceDirectives],
        OrganisationKind::CareProvider => &[Demographics, RelatedPeople, Alerts, CarePlans, CareTeam, Location],
        OrganisationKind::AppProvider => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_section_is_held_by_some_kind() {
        let held: BTreeSet<Section> =
            OrganisationKind::ALL.iter().flat_map(|kind| sections_held(*kind)).copied().collect();
        assert_eq!(held.len(), Section::ALL.len());
    }

    #[test]
    fn codes_are_well_formed_and_distinct() {
        let codes: BTreeSet<_> = ORGANISATIONS.iter().map(|organisation| organisation.ods).collect();
        assert_eq!(codes.len(), ORGANISATIONS.len());
        for code in codes {
            assert!(weald_proto::OdsCode::parse(code).is_ok(), "{code}");
        }
    }
}
