//! The story: one person, seen by those who may, refused to those who may not.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;
use weald_proto::{Level, OdsCode, Outcome, Patient, Purpose, Reason, RolledState, Section, limit};
use weald_tests::population::{EAST_KENT, MENTAL_HEALTH, WEST_KENT};
use weald_viewer::{SectionView, View, ViewError};

use crate::world::World;
use crate::{ask, show, terminal, trail};

/// How long the slow organisation takes: longer than any view.
const SLOW: Duration = Duration::from_secs(20);

/// What came out otherwise than it should.
#[derive(Default)]
struct Surprises(Vec<String>);

impl Surprises {
    fn expect(&mut self, holds: bool, what: &str) {
        if !holds {
            terminal::line(&format!("  UNEXPECTED: not {what}"));
            self.0.push(what.to_owned());
        }
    }
}

/// Tells the story. True if everything came out as it should.
///
/// # Errors
///
/// When something fails that should not.
pub(crate) async fn tell(mut world: World) -> anyhow::Result<bool> {
    let mut surprises = Surprises::default();
    let patient = world.people.first().context("an empty population")?.identity.patient()?;
    let gp = doctor(&world, &patient, &mut surprises).await?;
    others(&world, &patient, &gp, &mut surprises).await?;
    research(&world, &patient, &mut surprises).await?;
    trouble(&mut world, &patient, &mut surprises).await?;
    audit(world, &mut surprises).await?;
    terminal::heading("In short");
    if surprises.0.is_empty() {
        terminal::line("  Everything came out as it should.");
    }
    for surprise in &surprises.0 {
        terminal::line(&format!("  NOT: {surprise}"));
    }
    Ok(surprises.0.is_empty())
}

/// The practice's own patient, seen whole.
async fn doctor(world: &World, patient: &Patient, surprises: &mut Surprises) -> anyhow::Result<View> {
    terminal::heading("A GP opens the record of a patient of the practice (R0260, TREAT)");
    let view = world.view("doctor", patient).await??;
    show::view(world, &view);
    let asked = view.organisations().len();
    surprises.expect(asked == world.federation.register().active_members().count(), "every member is accounted for");
    let spoke = show::count(&view, Outcome::Answered) + show::count(&view, Outcome::NotKnownHere);
    surprises.expect(spoke == asked, "every organisation answered");
    let allergies = entries(&view, Section::Allergies);
    surprises.expect(allergies >= 2, "the GP sees an allergy and the statement that there is none, side by side");
    surprises.expect(is_complete(&view, Section::Allergies), "allergies are complete");
    surprises.expect(entries(&view, Section::Medications) > 0, "the GP sees medication");
    surprises.expect(entries(&view, Section::AdvanceDirectives) > 0, "the GP sees the CPR decision");
    Ok(view)
}

/// Those who need less, and the sections that tell most of what each of them sees.
const OTHERS: [(&str, &str, &[Section]); 4] = [
    (
        "paramedic",
        "The same person for a paramedic at an incident",
        &[Section::Allergies, Section::AdvanceDirectives, Section::Results, Section::CarePlans],
    ),
    (
        "care_worker",
        "For a home care worker",
        &[Section::Encounters, Section::SafeguardingAdult, Section::RelatedPeople, Section::Conditions],
    ),
    (
        "receptionist",
        "For the practice's receptionist",
        &[Section::Encounters, Section::RelatedPeople, Section::Allergies],
    ),
    ("citizen", "For the person themselves", &[Section::Allergies, Section::Results, Section::SafeguardingAdult]),
];

/// The same person for those who need less.
async fn others(world: &World, patient: &Patient, gp: &View, surprises: &mut Surprises) -> anyhow::Result<()> {
    for (role, who, telling) in OTHERS {
        terminal::heading(who);
        let view = world.view(role, patient).await??;
        show::levels(&view);
        for section in telling {
            show::section(&view, *section);
        }
        let professional = role != "citizen";
        surprises.expect(!professional || never_more(&view, gp), "no other professional sees more than the GP");
        check(role, &view, surprises);
    }
    Ok(())
}

fn check(role: &str, view: &View, surprises: &mut Surprises) {
    let level = |section| view.decisions().get(&section).map_or(Level::None, |decision| decision.grant.level);
    match role {
        "paramedic" => {
            surprises.expect(level(Section::Allergies) == Level::Full, "a paramedic sees allergies in full");
            surprises.expect(level(Section::Results) == Level::Summary, "a paramedic sees results in summary");
        }
        "care_worker" => {
            surprises.expect(level(Section::Conditions) == Level::None, "a care worker sees no conditions");
            surprises.expect(level(Section::RelatedPeople) == Level::Contact, "a care worker sees whom to call");
            surprises.expect(
                at_most_one_each(view, Section::Encounters),
                "a care worker sees the last discharge of each organisation only",
            );
        }
        "receptionist" => {
            surprises.expect(level(Section::Allergies) == Level::None, "a receptionist sees no allergies");
            surprises.expect(level(Section::Demographics) == Level::Full, "a receptionist sees demographics");
        }
        _ => {
            let safeguarding = view.completeness().get(&Section::SafeguardingAdult).map(|section| section.state);
            surprises.expect(
                !matches!(safeguarding, Some(RolledState::NoneRecorded | RolledState::AssertedNone)),
                "the person is never told that there is no safeguarding concern",
            );
        }
    }
}

async fn research(world: &World, patient: &Patient, surprises: &mut Surprises) -> anyhow::Result<()> {
    terminal::heading("The same doctor, for research (HRESCH)");
    let mut draft = ask::draft("doctor", patient)?;
    draft.purpose = Purpose::Research;
    let viewer = world.federation.viewer(&draft.organisation)?;
    match viewer.view(&draft.sign(&world.federation)?, &std::collections::BTreeSet::new()).await {
        Err(ViewError::Refused { reason, text }) => {
            terminal::line(&format!("  {reason}: {text}"));
            surprises.expect(reason == Reason::PolicyRefused, "research is refused by policy");
        }
        Err(other) => return Err(other.into()),
        Ok(_) => surprises.expect(false, "research is refused"),
    }
    Ok(())
}

/// One organisation down, another slow.
async fn trouble(world: &mut World, patient: &Patient, surprises: &mut Surprises) -> anyhow::Result<()> {
    terminal::heading("The GP again, with one organisation down and one slow");
    let (down, slow) = (OdsCode::parse(WEST_KENT.ods)?, OdsCode::parse(MENTAL_HEALTH.ods)?);
    world.federation.stop_node(&down).await;
    world.federation.faults(&slow).context("a node")?.slow_by(SLOW);
    let started = Instant::now();
    let view = world.view("doctor", patient).await??;
    let took = started.elapsed();
    show::organisations(world, &view);
    for section in [Section::Allergies, Section::Medications, Section::Conditions] {
        terminal::line(&format!("    {:<20} {}", section.as_str(), words(&view, section)));
    }
    terminal::line(&format!(
        "  the view took {} ms; its deadline is {} ms",
        took.as_millis(),
        limit::VIEW_DEADLINE.as_millis()
    ));
    let outcome = |organisation| view.organisations().get(organisation).map(|came| came.outcome());
    surprises.expect(outcome(&down) == Some(Outcome::Unreachable), "what is down is unreachable");
    let late = view.organisations().get(&slow);
    let late = late.is_some_and(|came| {
        came.outcome() == Outcome::TimedOut
            || came
                .statement()
                .is_some_and(|statement| statement.sections.values().all(|one| one.unavailable_cause.is_some()))
    });
    surprises.expect(late, "what is slow gives nothing in time");
    surprises.expect(took < limit::VIEW_DEADLINE + Duration::from_millis(50), "the view ends by its deadline");
    let none = view.completeness().values().any(|section| {
        section.answered != section.expected
            && matches!(section.state, RolledState::NoneRecorded | RolledState::AssertedNone)
    });
    surprises.expect(!none, "nothing is called none while somebody has not answered");
    surprises.expect(!is_complete(&view, Section::Allergies), "allergies are marked incomplete");
    surprises.expect(entries(&view, Section::Allergies) > 0, "the other organisations' allergies are there");
    Ok(())
}

/// What was written down of all that, and that nobody has touched it.
async fn audit(world: World, surprises: &mut Surprises) -> anyhow::Result<()> {
    terminal::heading("What was written down");
    let read = |broker: &Path, node: &Path| {
        trail::log("broker", broker, 13)?;
        trail::log(EAST_KENT.ods, node, 6)
    };
    let verified = world.stop_and(read).await?;
    for (whose, verification) in &verified {
        terminal::line(&format!(
            "  {whose:<7} {:>3} entries, chain intact, head {}",
            verification.entries, verification.head
        ));
    }
    surprises.expect(verified.values().all(|one| one.entries > 0), "every log has entries");
    Ok(())
}

fn entries(view: &View, section: Section) -> usize {
    match view.section(section) {
        Some(SectionView::Complete { entries, .. } | SectionView::Incomplete { entries, .. }) => entries.len(),
        Some(SectionView::NotPermitted(_) | SectionView::NobodyHoldsIt) | None => 0,
    }
}

fn is_complete(view: &View, section: Section) -> bool {
    matches!(view.section(section), Some(SectionView::Complete { .. }))
}

/// True if no organisation tells more than one item of the section.
fn at_most_one_each(view: &View, section: Section) -> bool {
    let stated = view.organisations().values().filter_map(|came| came.statement()?.sections.get(&section));
    stated.into_iter().all(|stated| stated.item_count <= 1)
}

/// True if the view shows no section at a higher level than the other does.
fn never_more(view: &View, than: &View) -> bool {
    let level = |view: &View, section| view.decisions().get(&section).map(|decision| decision.grant.level);
    Section::ALL.iter().all(|section| level(view, *section) <= level(than, *section))
}

fn words(view: &View, section: Section) -> String {
    match view.section(section) {
        Some(SectionView::NotPermitted(decision)) => format!("not for this requester: {}", decision.reason_text),
        Some(SectionView::NobodyHoldsIt) | None => "nobody was asked".to_owned(),
        Some(SectionView::Complete { entries, completeness, .. }) => {
            format!("{} entries, complete {}", entries.len(), show::answered(completeness))
        }
        Some(SectionView::Incomplete { entries, completeness, .. }) => {
            format!("{} entries, INCOMPLETE {}", entries.len(), show::answered(completeness))
        }
    }
}
