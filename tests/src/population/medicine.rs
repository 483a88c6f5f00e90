//! The medicines that people of the population take.

use super::concept::{self, Concept, DMD, SNOMED};

/// A medicine as prescribed: product, form, usual dose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Medicine {
    /// The product's codes, the one shown first; none for an entry that no system codes.
    pub(crate) codings: &'static [Concept],
    /// The product's name.
    pub(crate) name: &'static str,
    /// Its form.
    pub(crate) form: &'static str,
    /// Its route.
    pub(crate) route: Concept,
    /// Usual amount at a time and its unit.
    pub(crate) dose: (&'static str, &'static str),
    /// Usual frequency.
    pub(crate) frequency: &'static str,
    /// The usual instructions.
    pub(crate) instructions: &'static str,
}

const fn product(code: &'static str, display: &'static str) -> Concept {
    Concept { system: DMD, code, display }
}

macro_rules! medicines {
    ($($name:ident: $codings:expr, $words:literal, $form:literal, $route:ident, $amount:literal $unit:literal,
       $frequency:literal, $instructions:literal;)+) => {
        $(pub(crate) const $name: Medicine = Medicine {
            codings: $codings,
            name: $words,
            form: $form,
            route: concept::$route,
            dose: ($amount, $unit),
            frequency: $frequency,
            instructions: $instructions,
        };)+

        /// Every medicine above.
        #[cfg(test)]
        pub(crate) const ALL: &[Medicine] = &[$($name),+];
    };
}

medicines! {
    PARACETAMOL_TABLETS: &[product("322236009", "Paracetamol 500mg tablets")],
        "Paracetamol 500mg tablets", "Tablet", ORAL, "2" "tablet",
        "four times a day", "Take two tablets four times a day when required";
    PARACETAMOL_CAPSULES: &[product("322280009", "Paracetamol 500mg capsules")],
        "Paracetamol 500mg capsules", "Capsule", ORAL, "2" "capsule",
        "four times a day", "Take two capsules four times a day when required";
    AMOXICILLIN: &[product("39732311000001104", "Amoxicillin 250mg capsules")],
        "Amoxicillin 250mg capsules", "Capsule", ORAL, "1" "capsule",
        "three times a day", "Take one capsule three times a day for seven days";
    AMOXICILLIN_OLD_ID: &[Concept { system: SNOMED, code: "323509004", display: "Amoxicillin 250mg capsules" }],
        "Amoxicillin 250mg capsules", "Capsule", ORAL, "1" "capsule",
        "three times a day", "Take one capsule three times a day for seven days";
    CIPROFLOXACIN: &[product("39687811000001107", "Ciprofloxacin 500mg tablets")],
        "Ciprofloxacin 500mg tablets", "Tablet", ORAL, "1" "tablet",
        "twice a day", "Take one tablet twice a day";
    DOXYCYCLINE: &[product("41948311000001104", "Doxycycline 100mg capsules")],
        "Doxycycline 100mg capsules", "Capsule", ORAL, "1" "capsule",
        "once a day", "Take one capsule each day";
    OMEPRAZOLE: &[product("317291008", "Omeprazole 20mg gastro-resistant capsules")],
        "Omeprazole 20mg gastro-resistant capsules", "Gastro-resistant capsule", ORAL, "1" "capsule",
        "once a day", "Take one capsule each day, before breakfast";
    ATORVASTATIN: &[product("320030001", "Atorvastatin 20mg tablets")],
        "Atorvastatin 20mg tablets", "Tablet", ORAL, "1" "tablet",
        "once a day", "Take one tablet at night";
    SIMVASTATIN: &[product("319996000", "Simvastatin 10mg tablets")],
        "Simvastatin 10mg tablets", "Tablet", ORAL, "1" "tablet",
        "once a day", "Take one tablet at night";
    AMLODIPINE: &[product("319284000", "Amlodipine 10mg tablets")],
        "Amlodipine 10mg tablets", "Tablet", ORAL, "1" "tablet",
        "once a day", "Take one tablet each day";
    RAMIPRIL: &[product("408052000", "Ramipril 10mg tablets")],
        "Ramipril 10mg tablets", "Tablet", ORAL, "1" "tablet",
        "once a day", "Take one tablet each day";
    BISOPROLOL: &[product("318591005", "Bisoprolol 10mg tablets")],
        "Bisoprolol 10mg tablets", "Tablet", ORAL, "1" "tablet",
        "once a day", "Take one tablet each morning";
    FUROSEMIDE: &[product("317972000", "Furosemide 40mg tablets")],
        "Furosemide 40mg tablets", "Tablet", ORAL, "1" "tablet",
        "once a day", "Take one tablet each morning";
    SALBUTAMOL: &[product("320139002", "Salbutamol 100micrograms/dose inhaler CFC free")],
        "Salbutamol 100micrograms/dose inhaler CFC free", "Pressurised inhalation", INHALED, "2" "dose",
        "when required", "Inhale two puffs when required";
    CITALOPRAM_20: &[product("321987003", "Citalopram 20mg tablets")],
        "Citalopram 20mg tablets", "Tablet", ORAL, "1" "tablet",
        "once a day", "Take one tablet each day";
    CITALOPRAM_10: &[product("321989000", "Citalopram 10mg tablets")],
        "Citalopram 10mg tablets", "Tablet", ORAL, "1" "tablet",
        "once a day", "Take one tablet each day";
    PREDNISOLONE: &[product("325443009", "Prednisolone 5mg gastro-resistant tablets")],
        "Prednisolone 5mg gastro-resistant tablets", "Gastro-resistant tablet", ORAL, "6" "tablet",
        "once a day", "Take six tablets each morning for five days";
    INSULIN_GLARGINE: &[product("38897011000001107",
            "Insulin glargine 100units/ml solution for injection 3ml pre-filled disposable devices")],
        "Insulin glargine 100units/ml solution for injection 3ml pre-filled disposable devices",
        "Solution for injection", SUBCUTANEOUS, "14" "unit",
        "once a day", "14 units under the skin at bedtime";
    PRIADEL: &[product("565011000001106", "Priadel 200mg modified-release tablets")],
        "Priadel 200mg modified-release tablets", "Modified-release tablet", ORAL, "2" "tablet",
        "once a day", "Take two tablets at night";
    LITHIUM_CARBONATE: &[],
        "Lithium carbonate 200mg modified-release tablets", "Modified-release tablet", ORAL, "2" "tablet",
        "once a day", "Take two tablets at night";
    WARFARIN: &[],
        "Warfarin 3mg tablets", "Tablet", ORAL, "1" "tablet",
        "once a day", "Take one tablet each day at six in the evening";
}
