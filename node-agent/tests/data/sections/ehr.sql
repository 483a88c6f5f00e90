-- A local system with one table for what all records have, and one for each kind of record.
CREATE TABLE patient (id INTEGER PRIMARY KEY, nhs_number TEXT, born TEXT, surname TEXT, forename TEXT);
INSERT INTO patient VALUES (7, '9990000018', '1950-04-01', 'Example', 'Robin'), (8, '9990000026', '1960-01-01', 'Other', 'Kim');

CREATE TABLE entry (
    patient INTEGER, section TEXT, source_system TEXT, record_id TEXT, version TEXT, updated TEXT, code TEXT, term TEXT,
    local_code TEXT, local_system TEXT, state TEXT, began TEXT, ended TEXT, written TEXT, clinician_id TEXT,
    clinician TEXT, clinician_role TEXT, site TEXT, informant_id TEXT, phones TEXT, label TEXT, comment TEXT,
    second_comment TEXT, accession TEXT, wrong INTEGER
);
INSERT INTO entry
SELECT patient.id, section.column1, 'urn:example:ehr', section.column1 || '-1', '3', '2026-05-01T09:00:00Z', '38341003',
    'Synthetic ' || section.column1, 'X1', 'urn:example:local', 'A', '2026-04-01', '2026-05-01', '2026-04-02', 'C0000001',
    'Dr Alex Sample', 'GP', 'X99001', 'C0000002', '[{"system":"phone","value":"01632 960001","use":"work"}]',
    '[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N","display":"normal"}]',
    'A synthetic note.', 'And another.', 'A-1', 1
FROM patient, (VALUES
    ('demographics'), ('related_people'), ('allergies'), ('alerts'), ('medications'), ('conditions'), ('procedures'),
    ('results'), ('immunisations'), ('encounters'), ('referrals'), ('documents'), ('care_plans'), ('advance_directives'),
    ('safeguarding_adult'), ('safeguarding_child'), ('social_care_adult'), ('social_care_child'), ('mental_health'),
    ('care_team'), ('location')) AS section;

CREATE TABLE person (patient INTEGER, names TEXT, born TEXT, gender TEXT, addresses TEXT, phone TEXT, phone_kind TEXT,
    phone_use TEXT, died TEXT, ethnicity TEXT, ethnicity_term TEXT, language TEXT, second_language TEXT, practice TEXT,
    married TEXT, traced TEXT);
INSERT INTO person VALUES (7,
    '[{"use":"official","family":"Example","given":["Robin","Sam"],"prefix":["Mx"],"text":"Mx Robin Example"}]',
    '1950-04-01', 'female',
    '[{"use":"home","lines":["1 Example Street"],"town":"Exampleton","county":"Kent","postcode":"ZZ99 9ZZ","country":"GB","text":"1 Example Street"}]',
    '01632 960002', 'phone', 'home', '2026-05-02', 'A', 'White - British', 'English', 'Welsh',
    '{"name":"Dr Alex Sample","role":"GP","organisation":"X99001","telecoms":[{"system":"phone","value":"01632 960001","use":"work"}]}',
    'Married', '01');

CREATE TABLE kin (patient INTEGER, name TEXT, relationship TEXT, phone TEXT, address TEXT, rank INTEGER, gender TEXT, born TEXT);
INSERT INTO kin VALUES (7, '{"use":"usual","family":"Example","given":["Jo"],"prefix":["Mr"],"text":"Jo Example"}',
    '[{"system":"http://terminology.hl7.org/CodeSystem/v3-RoleCode","code":"BRO","display":"brother"}]',
    '[{"system":"phone","value":"01632 960003","use":"mobile"}]',
    '{"use":"home","lines":["2 Example Street"],"town":"Exampleton","county":"Kent","postcode":"ZZ99 9ZZ","country":"GB","text":"2 Example Street"}',
    1, 'male', '1952-05-05');

CREATE TABLE allergy (patient INTEGER, substance TEXT, substance_term TEXT, reactions TEXT, criticality TEXT, certainty TEXT,
    category TEXT, kind TEXT, none INTEGER, degraded INTEGER, over INTEGER, why_over TEXT, last TEXT);
INSERT INTO allergy VALUES (7, '372687004', 'Amoxicillin',
    '[{"manifestations":[{"system":"http://snomed.info/sct","code":"247472004","display":"Urticarial rash"}],"text":"Hives","severity":"moderate"}]',
    'high', 'confirmed', 'medication', 'allergy', 1, 1, 1, 'Tolerated a challenge', '2019-06-01');

CREATE TABLE warning (patient INTEGER, category TEXT);
INSERT INTO warning VALUES (7, '[{"system":"urn:example","code":"safety","display":"Safety"}]');

CREATE TABLE drug (patient INTEGER, dose_text TEXT, amount TEXT, unit TEXT, ucum TEXT, comparator TEXT, frequency TEXT,
    route TEXT, route_term TEXT, form TEXT, prescribed_by TEXT, issued TEXT, supply TEXT, prn TEXT, review TEXT,
    indication TEXT, kind TEXT, none INTEGER);
INSERT INTO drug VALUES (7, 'One in the morning', '6.50', 'mg', 'mg', '<', 'once a day', '26643006', 'Oral route', 'Tablet',
    'prescribed-at-gp-practice', '2026-04-20', 'R', 'true', '2027-04-01', 'Hypertension', 'requested', 1);

CREATE TABLE problem (patient INTEGER, certainty TEXT, severity TEXT, category TEXT, significance TEXT, body TEXT, none INTEGER);
INSERT INTO problem VALUES (7, 'confirmed', 'severe', '[{"system":"urn:example","code":"problem-list-item","display":"Problem"}]',
    'major', 'Heart', 1);

CREATE TABLE operation (patient INTEGER, body TEXT, outcome TEXT, reason TEXT, category TEXT, category_term TEXT);
INSERT INTO operation VALUES (7, 'Appendix', 'Successful', 'Appendicitis', '387713003', 'Surgical procedure');

CREATE TABLE lab (patient INTEGER, number TEXT, unit TEXT, ucum TEXT, comparator TEXT, coded TEXT, coded_term TEXT, words TEXT,
    range TEXT, flag TEXT, report TEXT, taken TEXT, remark TEXT, category TEXT, parts TEXT, members TEXT, absent TEXT);
INSERT INTO lab (patient, number, unit, ucum, comparator, range, flag, report, taken, remark, category, parts, members) VALUES
    (7, '4.10', 'mmol/L', 'mmol/L', '<', '3.5 - 5.30 mmol/L', 'N', 'final', '2026-04-30T07:30:00Z', 'Haemolysed',
    '[{"system":"urn:example","code":"laboratory","display":"Laboratory"}]',
    '[{"codes":[{"system":"http://snomed.info/sct","code":"72313002","display":"Systolic"}],"text":"Systolic","value":{"quantity":{"value":"120","unit":"mmHg","code":"mm[Hg]","comparator":">"}}},
      {"text":"Arm","value":{"coding":{"system":"http://snomed.info/sct","code":"368208006","display":"Left arm"}}},
      {"text":"Cuff","value":{"text":"large"}}]',
    '["results-2","results-3"]');
INSERT INTO lab (patient, coded, coded_term, absent) VALUES (7, '266919005', 'Never smoked tobacco', 'unknown');
INSERT INTO lab (patient, words) VALUES (7, 'All is well');

CREATE TABLE vaccination (patient INTEGER, dose_number INTEGER, lot TEXT, body TEXT, route TEXT, route_term TEXT, maker TEXT,
    refused TEXT, target TEXT, amount TEXT, unit TEXT, ucum TEXT, comparator TEXT);
INSERT INTO vaccination VALUES (7, 2, 'LOT1', 'Left upper arm', '78421000', 'Intramuscular route', 'Example Vaccines',
    'Declined', '[{"system":"http://snomed.info/sct","code":"840539006","display":"COVID-19"}]', '0.30', 'mL', 'mL', '<');

CREATE TABLE contact (patient INTEGER, class TEXT, class_term TEXT, provider TEXT, reason TEXT, place TEXT, admitted TEXT,
    discharged TEXT, service TEXT);
INSERT INTO contact VALUES (7, 'IMP', 'inpatient', 'Example Trust', 'Pneumonia', 'Ward 4', 'Emergency', 'Home', 'General medicine');

CREATE TABLE referral (patient INTEGER, asker TEXT, asked TEXT, priority TEXT, reason TEXT, category TEXT, category_term TEXT, intent TEXT);
INSERT INTO referral VALUES (7, '{"id":"C1","name":"Dr Alex Sample","role":"GP","organisation":"X99001"}',
    '{"id":"C2","name":"Dr Kim Sample","role":"Cardiologist","organisation":"X99002"}', 'urgent', 'Atrial fibrillation',
    '3457005', 'Patient referral', 'order');

CREATE TABLE letter (patient INTEGER, title TEXT, mime TEXT, bytes INTEGER, made TEXT, hash TEXT, category TEXT, url TEXT, setting TEXT);
INSERT INTO letter VALUES (7, 'Discharge summary', 'application/pdf', 20480, '2026-05-01', '2jmj7l5rSw0yVb/vlWAYkK/YBwk=',
    '[{"system":"http://snomed.info/sct","code":"373942005","display":"Discharge summary"}]', 'https://ehr.example/d1', 'General medicine');

CREATE TABLE plan (patient INTEGER, title TEXT, category TEXT, activities TEXT, intent TEXT, about TEXT, team TEXT);
INSERT INTO plan VALUES (7, 'Asthma plan', '[{"system":"http://snomed.info/sct","code":"734163000","display":"Care plan"}]',
    '["Inhaler training","Yearly review"]', 'plan', '["Asthma"]', 'Respiratory team');

CREATE TABLE decision (patient INTEGER, kind TEXT, review TEXT, form TEXT, provision TEXT);
INSERT INTO decision VALUES (7, 'cpr', '2027-04-01', 'https://ehr.example/respect', 'deny');

CREATE TABLE concern (patient INTEGER, category TEXT, lead TEXT);
INSERT INTO concern VALUES (7, '[{"system":"http://snomed.info/sct","code":"417430008","display":"Vulnerable adult"}]',
    '{"id":"S1","name":"Sam Sample","role":"Social worker","organisation":"X99003"}');

CREATE TABLE social_case (patient INTEGER, manager TEXT, services TEXT, council TEXT);
INSERT INTO social_case VALUES (7, '{"id":"S1","name":"Sam Sample","role":"Social worker","organisation":"X99003"}',
    '["Home care","Day centre"]', 'Example Council');

CREATE TABLE mental (patient INTEGER, detention TEXT, detention_term TEXT, kind TEXT, coordinator TEXT, team TEXT);
INSERT INTO mental VALUES (7, '03', 'Section 3', 'legal-status',
    '{"id":"N1","name":"Pat Sample","role":"Nurse","organisation":"X99004"}', 'Crisis team');

CREATE TABLE team (patient INTEGER, name TEXT, members TEXT, reason TEXT);
INSERT INTO team VALUES (7, 'District nursing',
    '[{"member":{"id":"N1","name":"Pat Sample","role":"Nurse","organisation":"X99004"},"role":"Lead","telecoms":[{"system":"phone","value":"01632 960004","use":"work"}]}]',
    'Leg ulcer');

CREATE TABLE stay (patient INTEGER, place TEXT, class TEXT, class_term TEXT, provider TEXT);
INSERT INTO stay VALUES (7, 'Ward 4', 'IMP', 'inpatient', 'Example Trust');
