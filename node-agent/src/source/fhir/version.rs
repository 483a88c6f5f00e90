//! Is this FHIR R4? Resources do not say which version they are in, so types and telling fields decide.

use super::json::Json;

/// Types that are not in R4 (4.0.1): of STU3 and before, then of R4B and R5.
const OTHER_TYPES: &[&str] = &[
    "BodySite",
    "Conformance",
    "DataElement",
    "DeviceComponent",
    "DeviceUseRequest",
    "DiagnosticOrder",
    "EligibilityRequest",
    "EligibilityResponse",
    "ExpansionProfile",
    "ImagingManifest",
    "ImagingObjectSelection",
    "MedicationOrder",
    "Order",
    "OrderResponse",
    "ProcedureRequest",
    "ProcessRequest",
    "ProcessResponse",
    "ReferralRequest",
    "Sequence",
    "ServiceDefinition",
    "ActorDefinition",
    "AdministrableProductDefinition",
    "ArtifactAssessment",
    "BiologicallyDerivedProductDispense",
    "Citation",
    "ClinicalUseDefinition",
    "ConditionDefinition",
    "DeviceAssociation",
    "DeviceDispense",
    "DeviceUsage",
    "EncounterHistory",
    "FormularyItem",
    "GenomicStudy",
    "ImagingSelection",
    "Ingredient",
    "InventoryItem",
    "InventoryReport",
    "ManufacturedItemDefinition",
    "MedicinalProductDefinition",
    "NutritionIntake",
    "NutritionProduct",
    "PackagedProductDefinition",
    "Permission",
    "RegulatedAuthorization",
    "Requirements",
    "SubscriptionStatus",
    "SubscriptionTopic",
    "SubstanceDefinition",
    "TestPlan",
    "Transport",
];

/// Every type of R4 (4.0.1).
const TYPES: &str = "Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent \
    Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam CatalogEntry \
    ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem Communication CommunicationRequest \
    CompartmentDefinition Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest \
    CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement \
    DiagnosticReport DocumentManifest DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest \
    EnrollmentResponse EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit \
    FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy Immunization \
    ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan Invoice Library Linkage List \
    Location Measure MeasureReport Media Medication MedicationAdministration MedicationDispense MedicationKnowledge \
    MedicationRequest MedicationStatement MedicinalProduct MedicinalProductAuthorization \
    MedicinalProductContraindication MedicinalProductIndication MedicinalProductIngredient \
    MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged MedicinalProductPharmaceutical \
    MedicinalProductUndesirableEffect MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder \
    Observation ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation \
    Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole Procedure \
    Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup ResearchDefinition \
    ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment RiskEvidenceSynthesis Schedule \
    SearchParameter ServiceRequest Slot Specimen SpecimenDefinition StructureDefinition StructureMap Subscription \
    Substance SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation \
    SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport \
    TestScript ValueSet VerificationResult VisionPrescription";

/// Types that hold other resources, which would go unread.
const CONTAINERS: &[&str] = &["Bundle", "Parameters"];

/// True for a resource that is, as far as can be told, of R4.
///
/// # Errors
///
/// The type or the field that is of another version.
pub(crate) fn check(resource: &Json) -> Result<(), String> {
    let kind = resource.text_at("resourceType");
    if kind.is_empty() {
        return Err("it has no resourceType".to_owned());
    }
    if let Some(other) = OTHER_TYPES.iter().find(|other| **other == kind) {
        return Err(format!("{other} is a type of another version"));
    }
    if !TYPES.split_whitespace().any(|known| known == kind) {
        return Err("its resourceType is no type of R4".to_owned());
    }
    if CONTAINERS.contains(&kind.as_str()) {
        return Err("it holds resources itself: put them beside it".to_owned());
    }
    let odd = match kind.as_str() {
        "AllergyIntolerance" | "Condition" => is_text(resource.at("clinicalStatus")).then_some("clinicalStatus"),
        "Encounter" => matches!(resource.at("class"), Json::List(_)).then_some("class"),
        "MedicationRequest" | "MedicationStatement" | "MedicationDispense" | "MedicationAdministration" => {
            (!resource.at("medication").is_null()).then_some("medication")
        }
        _ => None,
    };
    match odd {
        Some(field) => Err(format!("{kind}.{field} has the form of another version")),
        None => Ok(()),
    }
}

/// True if this is the word of a search that failed in part (FHIR R4, searchset, entries of mode "outcome").
pub(crate) fn tells_of_failure(resource: &Json) -> bool {
    resource.text_at("resourceType") == "OperationOutcome"
        && resource.at("issue").list().iter().any(|issue| issue.text_at("severity") != "information")
}

fn is_text(value: &Json) -> bool {
    matches!(value, Json::Text(_))
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::*;

    #[test]
    fn types_and_forms_of_other_versions_are_named() {
        for (text, telling) in [
            (r#"{"resourceType":"ProcedureRequest"}"#, "ProcedureRequest"),
            (r#"{"resourceType":"Condition","clinicalStatus":"active"}"#, "Condition.clinicalStatus"),
            (r#"{"resourceType":"Encounter","class":[{"code":"IMP"}]}"#, "Encounter.class"),
            (r#"{"resourceType":"MedicationRequest","medication":{"concept":{}}}"#, "MedicationRequest.medication"),
        ] {
            assert!(check(&json(text)).unwrap_err().contains(telling), "{text}");
        }
    }

    #[test]
    fn an_r4_resource_passes_and_one_of_no_known_type_does_not() {
        assert_eq!(check(&json(r#"{"resourceType":"Encounter","class":{"code":"IMP"}}"#)), Ok(()));
        for text in ["{}", r#"{"resourceType":5}"#, r#"{"resourceType":"Robin"}"#, r#"{"resourceType":"Bundle"}"#] {
            let reason = check(&json(text)).unwrap_err();
            assert!(!reason.contains("Robin"), "no values: {reason}");
        }
        assert_eq!(TYPES.split_whitespace().count(), 146);
    }

    #[test]
    fn only_a_warning_or_an_error_of_a_search_tells_of_failure() {
        let outcome =
            |severity| json(&format!(r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"{severity}"}}]}}"#));
        assert!(tells_of_failure(&outcome("warning")) && tells_of_failure(&outcome("error")));
        assert!(!tells_of_failure(&outcome("information")));
    }
}
