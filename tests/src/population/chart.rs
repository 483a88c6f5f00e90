//! What one organisation knows about one person, before any system has written it down.
//!
//! Moments are whole days before the reference day ([`super::calendar`]); negative ones lie ahead.
//! Two organisations with the same entry on their charts hold identical items.

use weald_proto::wire::{HumanName, Telecom};

use super::concept::Concept;
use super::medicine::Medicine;

/// One organisation's knowledge of one person.
#[derive(Clone, Default)]
pub(crate) struct Chart {
    pub(crate) sensitivities: Vec<Sensitivity>,
    pub(crate) illnesses: Vec<Illness>,
    pub(crate) courses: Vec<Course>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) tests: Vec<Test>,
    pub(crate) vaccinations: Vec<Vaccination>,
    pub(crate) visits: Vec<Visit>,
    pub(crate) referrals: Vec<Referring>,
    pub(crate) papers: Vec<Paper>,
    pub(crate) plans: Vec<Plan>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) concerns: Vec<Concern>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) packages: Vec<Package>,
    pub(crate) episodes: Vec<Episode>,
    pub(crate) teams: Vec<Team>,
    pub(crate) relatives: Vec<Relative>,
}

impl Chart {
    /// Moves what would lie before birth, `oldest` days ago, to the day of birth.
    pub(crate) fn begin_at_birth(&mut self, oldest: i64) {
        let limit = |days: &mut i64| *days = (*days).min(oldest);
        self.sensitivities.iter_mut().for_each(|entry| limit(&mut entry.since));
        self.illnesses.iter_mut().for_each(|entry| limit(&mut entry.since));
        self.illnesses.iter_mut().flat_map(|entry| &mut entry.ended).for_each(limit);
        self.courses.iter_mut().for_each(|entry| limit(&mut entry.since));
        self.tests.iter_mut().for_each(|entry| limit(&mut entry.on));
        self.vaccinations.iter_mut().for_each(|entry| limit(&mut entry.on));
        self.visits.iter_mut().for_each(|entry| limit(&mut entry.from));
        self.visits.iter_mut().flat_map(|entry| &mut entry.to).for_each(limit);
        self.referrals.iter_mut().for_each(|entry| limit(&mut entry.on));
        self.papers.iter_mut().for_each(|entry| limit(&mut entry.on));
        self.plans.iter_mut().for_each(|entry| limit(&mut entry.on));
        self.concerns.iter_mut().for_each(|entry| limit(&mut entry.on));
        self.warnings.iter_mut().for_each(|entry| limit(&mut entry.on));
        self.packages.iter_mut().for_each(|entry| limit(&mut entry.from));
        self.teams.iter_mut().for_each(|entry| limit(&mut entry.from));
    }
}

/// An allergy, or the statement that there is none.
#[derive(Clone, Default)]
pub(crate) struct Sensitivity {
    pub(crate) concept: Concept,
    /// The words of the source.
    pub(crate) text: &'static str,
    pub(crate) substance: Option<Concept>,
    /// high, low; empty if not said.
    pub(crate) criticality: &'static str,
    /// confirmed, unconfirmed, refuted.
    pub(crate) certainty: &'static str,
    /// active, inactive, resolved.
    pub(crate) status: &'static str,
    pub(crate) category: &'static str,
    /// The reaction in words; none if empty.
    pub(crate) reaction: &'static str,
    /// mild, moderate, severe.
    pub(crate) reaction_severity: &'static str,
    pub(crate) end_reason: &'static str,
    pub(crate) since: i64,
    pub(crate) note: &'static str,
}

/// A problem or a diagnosis.
#[derive(Clone, Copy, Default)]
pub(crate) struct Illness {
    pub(crate) concept: Concept,
    /// A second coding of the same, as hospitals add.
    pub(crate) also: Option<Concept>,
    pub(crate) since: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) certainty: &'static str,
    /// major or minor; empty if not said.
    pub(crate) significance: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) note: &'static str,
    pub(crate) is_restricted: bool,
}

/// A medicine that a person takes or took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Course {
    pub(crate) medicine: Medicine,
    /// active, stopped, completed.
    pub(crate) status: &'static str,
    /// repeat or acute.
    pub(crate) supply: &'static str,
    pub(crate) since: i64,
    pub(crate) until: Option<i64>,
    pub(crate) last_issue: Option<i64>,
    pub(crate) reason: &'static str,
    pub(crate) note: &'static str,
    /// True for an order, false for a statement that the person takes it.
    pub(crate) is_order: bool,
}

/// Something done to the person.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) concept: Concept,
    pub(crate) body_site: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) outcome: &'static str,
    pub(crate) on: i64,
}

/// What was found by a test.
#[derive(Clone, Copy)]
pub(crate) enum Finding {
    /// A number with its unit and UCUM code.
    Amount(&'static str, &'static str, &'static str),
    /// A code.
    Code(Concept),
    /// Two amounts in mmHg.
    Pressure(&'static str, &'static str),
}

/// A measurement.
#[derive(Clone, Copy)]
pub(crate) struct Test {
    pub(crate) concept: Concept,
    /// The LOINC code alongside, for vital signs.
    pub(crate) loinc: Option<Concept>,
    pub(crate) finding: Finding,
    pub(crate) range: &'static str,
    /// H, L or N.
    pub(crate) interpretation: &'static str,
    /// final, preliminary, amended.
    pub(crate) status: &'static str,
    pub(crate) comment: &'static str,
    pub(crate) on: i64,
    pub(crate) is_released: bool,
    /// Results of the same report go out under a report of this code.
    pub(crate) report: Option<Concept>,
}

/// A vaccination.
#[derive(Clone, Copy)]
pub(crate) struct Vaccination {
    pub(crate) vaccine: Option<Concept>,
    pub(crate) text: &'static str,
    pub(crate) dose_number: &'static str,
    pub(crate) lot: &'static str,
    pub(crate) maker: &'static str,
    /// Why it was not given; given if empty.
    pub(crate) refusal: &'static str,
    pub(crate) on: i64,
}

/// A contact with the organisation.
#[derive(Clone, Copy)]
pub(crate) struct Visit {
    /// None for an appointment.
    pub(crate) class: Option<Concept>,
    /// finished, in-progress, planned; booked for an appointment.
    pub(crate) status: &'static str,
    pub(crate) text: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) place: &'static str,
    pub(crate) service: &'static str,
    pub(crate) admission: &'static str,
    pub(crate) discharge: &'static str,
    pub(crate) from: i64,
    pub(crate) to: Option<i64>,
    pub(crate) is_released: bool,
}

/// A referral, made or received.
#[derive(Clone)]
pub(crate) struct Referring {
    pub(crate) text: &'static str,
    pub(crate) recipient: &'static str,
    /// The national booking reference, which both ends hold.
    pub(crate) ubrn: String,
    pub(crate) priority: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) status: &'static str,
    pub(crate) on: i64,
}

/// A letter or another document.
#[derive(Clone, Copy)]
pub(crate) struct Paper {
    pub(crate) concept: Concept,
    pub(crate) title: &'static str,
    pub(crate) setting: &'static str,
    pub(crate) size: u64,
    pub(crate) on: i64,
    /// Labels that say who may see it.
    pub(crate) labels: &'static [Concept],
}

/// A care plan.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) category: Concept,
    pub(crate) title: &'static str,
    pub(crate) activities: &'static [&'static str],
    pub(crate) about: &'static str,
    pub(crate) team: &'static str,
    pub(crate) note: &'static str,
    pub(crate) on: i64,
}

/// A decision made in advance.
#[derive(Clone, Copy)]
pub(crate) enum Decision {
    /// About resuscitation: the flag, its day, in how many days it is to be reviewed.
    Cpr { concept: Concept, status: &'static str, on: i64, review_in: i64 },
    /// A form that somebody filled in.
    Form { title: &'static str, on: i64 },
    /// A lasting power of attorney, registered.
    PowerOfAttorney { on: i64 },
}

/// A safeguarding concern.
#[derive(Clone, Copy)]
pub(crate) struct Concern {
    pub(crate) concept: Concept,
    pub(crate) on: i64,
    pub(crate) is_about_child: bool,
    /// True for a plan, false for a flag.
    pub(crate) is_plan: bool,
}

/// A clinical or safety warning.
#[derive(Clone, Copy)]
pub(crate) struct Warning {
    pub(crate) text: &'static str,
    pub(crate) on: i64,
    pub(crate) is_hidden_from_person: bool,
}

/// A case of the council, with what it provides.
#[derive(Clone, Copy)]
pub(crate) struct Package {
    pub(crate) text: &'static str,
    pub(crate) services: &'static [&'static str],
    pub(crate) is_about_child: bool,
    pub(crate) status: &'static str,
    pub(crate) from: i64,
    pub(crate) to: Option<i64>,
}

/// An episode with mental-health services, or what they know of risk.
#[derive(Clone, Copy)]
pub(crate) enum Episode {
    /// A spell of care by a team.
    Spell { team: &'static str, status: &'static str, from: i64, to: Option<i64> },
    /// A crisis plan.
    CrisisPlan { activities: &'static [&'static str], on: i64 },
}

/// A team around the person.
#[derive(Clone, Copy)]
pub(crate) struct Team {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) from: i64,
}

/// Somebody in the person's life.
#[derive(Clone)]
pub(crate) struct Relative {
    pub(crate) name: HumanName,
    /// Code of HL7's role codes, and its words.
    pub(crate) relationship: Concept,
    pub(crate) telecoms: Vec<Telecom>,
    pub(crate) gender: &'static str,
    pub(crate) rank: u32,
    pub(crate) is_third_party: bool,
}
