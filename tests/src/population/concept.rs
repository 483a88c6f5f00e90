//! The codes that the population is recorded in, with the words that systems show for them.

use weald_proto::wire::Coding;

/// One code of one system, with its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Concept {
    /// URI of the code system.
    pub(crate) system: &'static str,
    /// The code.
    pub(crate) code: &'static str,
    /// The words.
    pub(crate) display: &'static str,
}

/// SNOMED CT.
pub const SNOMED: &str = "http://snomed.info/sct";
/// dm+d, the dictionary of medicines and devices; its ids are SNOMED CT ids too.
pub const DMD: &str = "https://dmd.nhs.uk";
/// LOINC.
pub const LOINC: &str = "http://loinc.org";
/// ICD-10, as hospitals code diagnoses.
pub const ICD10: &str = "http://hl7.org/fhir/sid/icd-10";
/// HL7 act codes: classes of encounter, and NOPAT.
pub const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
/// HL7 confidentiality.
pub const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
/// Handling labels of this federation: `released`, `THIRDPARTY`.
pub const HANDLING: &str = "https://weald.example/CodeSystem/handling";

impl Concept {
    /// The message for it.
    pub(crate) fn coding(self) -> Coding {
        Coding { system: self.system.into(), code: self.code.into(), display: self.display.into() }
    }

    /// True if a coding means this very code of this very system.
    #[cfg(test)]
    pub(crate) fn is(self, coding: &Coding) -> bool {
        coding.system == self.system && coding.code == self.code
    }
}

const fn concept(system: &'static str, code: &'static str, display: &'static str) -> Concept {
    Concept { system, code, display }
}

macro_rules! concepts {
    ($($system:ident { $($name:ident = $code:literal $display:literal),+ $(,)? })+) => {
        $($(pub(crate) const $name: Concept = concept($system, $code, $display);)+)+

        /// Every concept above.
        #[cfg(test)]
        pub(crate) const ALL: &[Concept] = &[$($($name),+),+];
    };
}

concepts! {
    SNOMED {
        // Conditions.
        TYPE_2_DIABETES = "44054006" "Type 2 diabetes mellitus",
        ESSENTIAL_HYPERTENSION = "59621000" "Essential hypertension",
        ASTHMA = "195967001" "Asthma",
        COPD = "13645005" "Chronic obstructive lung disease",
        DEPRESSION = "35489007" "Depressive disorder",
        HEART_FAILURE = "84114007" "Heart failure",
        ATRIAL_FIBRILLATION = "49436004" "Atrial fibrillation",
        KIDNEY_DISEASE = "709044004" "Chronic kidney disease",
        DEMENTIA = "52448006" "Dementia",
        MYOCARDIAL_INFARCTION = "22298006" "Myocardial infarction",
        ISCHAEMIC_HEART_DISEASE = "414545008" "Ischaemic heart disease",
        PNEUMONIA = "233604007" "Pneumonia",
        NO_PROBLEMS = "160245001" "No current problems or disability",
        COVID_UK = "1240751000000100" "COVID-19",
        COVID_INTERNATIONAL = "840539006" "COVID-19",
        COVID_SUSPECTED = "1240761000000102" "Suspected COVID-19",
        END_OF_LIFE_REGISTER = "526631000000108" "On end of life care register",
        // Allergies.
        AMOXICILLIN_SUBSTANCE = "372687004" "Amoxicillin",
        ALLERGY_TO_AMOXICILLIN = "294505008" "Allergy to amoxicillin",
        ALLERGY_TO_PENICILLIN = "91936005" "Allergy to penicillin",
        ALLERGY_TO_PEANUT = "91935009" "Allergy to peanut",
        ALLERGY_TO_LATEX = "300916003" "Allergy to latex",
        ALLERGY_TO_ASPIRIN = "293586001" "Allergy to aspirin",
        COWS_MILK_SENSITIVITY = "15911003" "Cow's milk protein sensitivity",
        PENICILLIN_SUBSTANCE = "764146007" "Substance with penicillin structure",
        URTICARIAL_RASH = "247472004" "Urticarial rash",
        NO_KNOWN_ALLERGY = "716186003" "No known allergy",
        DEGRADED_DRUG_ALLERGY = "196461000000101" "Transfer-degraded drug allergy",
        // Results.
        FULL_BLOOD_COUNT = "26604007" "Full blood count",
        SERUM_POTASSIUM = "1000651000000109" "Serum potassium level",
        SERUM_ALBUMIN = "1000821000000103" "Serum albumin level",
        SERUM_CREATININE = "1000731000000107" "Serum creatinine level",
        HAEMOGLOBIN = "1022431000000105" "Haemoglobin estimation",
        C_REACTIVE_PROTEIN = "135842001" "Serum C reactive protein level",
        BLOOD_PRESSURE = "75367002" "Blood pressure",
        SYSTOLIC = "72313002" "Systolic arterial pressure",
        DIASTOLIC = "1091811000000102" "Diastolic arterial pressure",
        HEART_RATE = "364075005" "Heart rate",
        OXYGEN_SATURATION = "431314004" "Peripheral oxygen saturation",
        BODY_WEIGHT = "27113001" "Body weight",
        NEWS2_TOTAL = "1104051000000101" "Royal College of Physicians NEWS2 total score",
        COVID_RNA_POSITIVE = "1324601000000106" "SARS-CoV-2 RNA detection result positive",
        COVID_RNA_NEGATIVE = "1324581000000102" "SARS-CoV-2 RNA detection result negative",
        // Decisions and plans.
        NOT_FOR_CPR = "450476008" "Not for attempted cardiopulmonary resuscitation",
        FOR_CPR = "450475007" "For attempted cardiopulmonary resuscitation",
        RESPECT_FORM = "1382601000000107" "ReSPECT form",
        TREATMENT_ESCALATION_PLAN = "735324008" "Treatment escalation plan",
        END_OF_LIFE_PLAN = "736373009" "End of life care plan",
        CRISIS_PLAN = "736253002" "Mental health crisis plan",
        CONTINGENCY_PLAN = "325691000000100" "Contingency plan",
        PERSONALISED_PLAN = "2181441000000107" "Personalised Care and Support Plan",
        CARE_PLAN = "734163000" "Care plan",
        DISCHARGE_SUMMARY = "373942005" "Discharge summary",
        SUMMARY_RECORD = "824321000000109" "Summary record",
        // Safeguarding.
        CHILD_CONCERN = "836881000000105" "Child is cause for safeguarding concern",
        CHILD_PROTECTION_PLAN = "342191000000101" "Subject to child protection plan",
        LOOKED_AFTER_CHILD = "764841000000100" "Looked after child",
        VULNERABLE_ADULT = "417430008" "Vulnerable adult",
        // Not in the domain reference, but published beside UK FHIR examples.
        TOTAL_HIP_REPLACEMENT = "52734007" "Total replacement of hip",
        COLONOSCOPY = "73761001" "Colonoscopy",
        ORAL = "26643006" "Oral route",
        INTRAVENOUS = "47625008" "Intravenous route",
        SUBCUTANEOUS = "34206005" "Subcutaneous route",
        INHALED = "447694001" "Respiratory tract route",
        INTRAMUSCULAR = "78421000" "Intramuscular route",
        PFIZER_COVID_VACCINE = "39115611000001103" "COVID-19 mRNA Vaccine Pfizer-BioNTech BNT162b2",
    }
    LOINC {
        BLOOD_PRESSURE_PANEL = "85354-9" "Blood pressure panel with all children optional",
        SYSTOLIC_LOINC = "8480-6" "Systolic blood pressure",
        DIASTOLIC_LOINC = "8462-4" "Diastolic blood pressure",
        HEART_RATE_LOINC = "8867-4" "Heart rate",
        OXYGEN_SATURATION_LOINC = "2708-6" "Oxygen saturation in Arterial blood",
        BODY_WEIGHT_LOINC = "29463-7" "Body weight",
    }
    ACT_CODE {
        INPATIENT = "IMP" "inpatient encounter",
        EMERGENCY = "EMER" "emergency",
        AMBULATORY = "AMB" "ambulatory",
        HOME = "HH" "home health",
        VIRTUAL = "VR" "virtual",
        NOPAT = "NOPAT" "no disclosure to patient, family or caregivers without attending provider's authorization",
    }
    CONFIDENTIALITY {
        RESTRICTED = "R" "restricted",
    }
    HANDLING {
        RELEASED = "released" "Released to the person",
        THIRD_PARTY = "THIRDPARTY" "Tells of somebody else",
    }
    ICD10 {
        HYPERTENSION_ICD = "I10" "Essential (primary) hypertension",
        HEART_FAILURE_ICD = "I50" "Heart failure",
        ATRIAL_FIBRILLATION_ICD = "I48" "Atrial fibrillation and flutter",
        COPD_ICD = "J44" "Other chronic obstructive pulmonary disease",
        PNEUMONIA_ICD = "J18" "Pneumonia, organism unspecified",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::population::medicine;

    #[test]
    fn every_snomed_and_dmd_code_has_a_correct_check_digit() {
        let medicines = medicine::ALL.iter().flat_map(|medicine| medicine.codings).map(|concept| concept.code);
        let concepts = ALL.iter().filter(|concept| concept.system == SNOMED).map(|concept| concept.code);
        for code in concepts.chain(medicines) {
            assert!(has_verhoeff_digit(code), "{code}");
        }
        assert!(!has_verhoeff_digit("372687005"));
    }

    #[test]
    fn no_code_is_declared_twice() {
        let distinct: BTreeSet<_> = ALL.iter().map(|concept| (concept.system, concept.code)).collect();
        assert_eq!(distinct.len(), ALL.len());
    }

    /// Verhoeff's check digit by its definition in the dihedral group of the pentagon.
    fn has_verhoeff_digit(code: &str) -> bool {
        let multiply = |a: u8, b: u8| match (a < 5, b < 5) {
            (true, true) => (a + b) % 5,
            (true, false) => (a + b) % 5 + 5,
            (false, true) => (a + 5 - b) % 5 + 5,
            (false, false) => (a + 5 - b) % 5,
        };
        let turn = [1u8, 5, 7, 6, 2, 8, 3, 0, 9, 4];
        let permuted = |digit: u8, times: usize| (0..times).fold(digit, |digit, _| turn[usize::from(digit)]);
        let digits = code.bytes().rev().map(|byte| byte - b'0').enumerate();
        digits.fold(0, |sum, (place, digit)| multiply(sum, permuted(digit, place % 8))) == 0
    }
}
