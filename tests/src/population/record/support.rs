//! Social care, mental health, teams.

use weald_proto::Section;
use weald_proto::wire::item::Detail;
use weald_proto::wire::{CareTeam, CareTeamMember, Coding, Item, MentalHealth, SocialCare};

use crate::population::calendar::day;
use crate::population::chart::{Chart, Episode, Package, Team};
use crate::population::concept;
use crate::population::desk::{Desk, codings};

/// Kinds of episode, which tell social care of adults, of children, and mental health apart.
const EPISODE_TYPES: &str = "https://weald.example/CodeSystem/episode-type";

pub(super) fn items(desk: &mut Desk, chart: &Chart) -> Vec<(Section, Item)> {
    let mut items = Vec::new();
    for package in &chart.packages {
        let section = if package.is_about_child { Section::SocialCareChild } else { Section::SocialCareAdult };
        items.push((section, social_care(desk, package)));
    }
    for episode in &chart.episodes {
        items.push((Section::MentalHealth, mental_health(desk, *episode)));
    }
    for team in &chart.teams {
        items.push((Section::CareTeam, care_team(desk, team)));
    }
    items
}

fn social_care(desk: &mut Desk, package: &Package) -> Item {
    let (code, display) = if package.is_about_child {
        ("social-care-child", "Social care of a child")
    } else {
        ("social-care-adult", "Social care of an adult")
    };
    let manager = desk.next_author();
    Item {
        codes: vec![episode_type(code, display)],
        text: package.text.into(),
        status: package.status.into(),
        effective_start: day(package.from),
        effective_end: package.to.map(day).unwrap_or_default(),
        recorder: Some(manager.clone()),
        contact: Some(desk.front_door()),
        labels: codings(package.is_about_child.then_some(concept::RESTRICTED)),
        detail: Some(Detail::SocialCare(SocialCare {
            manager: Some(manager),
            services: package.services.iter().map(|service| (*service).to_owned()).collect(),
            organisation: desk.organisation.name.into(),
        })),
        ..desk.record("EpisodeOfCare", package.from)
    }
}

fn mental_health(desk: &mut Desk, episode: Episode) -> Item {
    match episode {
        Episode::Spell { team, status, from, to } => spell(desk, team, status, from, to),
        Episode::CrisisPlan { activities, on } => crisis_plan(desk, activities, on),
    }
}

fn spell(desk: &mut Desk, team: &str, status: &str, from: i64, to: Option<i64>) -> Item {
    let coordinator = desk.next_author();
    Item {
        codes: vec![episode_type("mental-health", "Mental health")],
        text: "Mental health episode".into(),
        status: status.into(),
        recorder: Some(coordinator.clone()),
        effective_start: day(from),
        effective_end: to.map(day).unwrap_or_default(),
        contact: Some(desk.front_door()),
        labels: codings([concept::RESTRICTED]),
        detail: Some(Detail::MentalHealth(MentalHealth {
            legal_status: None,
            kind: "episode".into(),
            coordinator: Some(coordinator),
            team: team.into(),
        })),
        ..desk.record("EpisodeOfCare", from)
    }
}

/// The plan's activities go into its notes: what a crisis needs is read, not coded.
fn crisis_plan(desk: &mut Desk, activities: &[&str], on: i64) -> Item {
    let base = desk.signed_record("CarePlan", on);
    Item {
        codes: codings([concept::CRISIS_PLAN]),
        text: concept::CRISIS_PLAN.display.into(),
        status: "active".into(),
        effective_start: day(on),
        notes: activities.iter().map(|activity| (*activity).to_owned()).collect(),
        labels: codings([concept::RESTRICTED]),
        detail: Some(Detail::MentalHealth(MentalHealth {
            legal_status: None,
            kind: "crisis-plan".into(),
            coordinator: base.recorder.clone(),
            team: String::new(),
        })),
        ..base
    }
}

fn care_team(desk: &mut Desk, team: &Team) -> Item {
    let staff = desk.organisation.staff;
    let members = staff.iter().map(|somebody| CareTeamMember {
        member: Some(desk.author(*somebody)),
        role: somebody.role.into(),
        telecoms: desk.switchboard(),
    });
    let members = members.collect();
    Item {
        text: team.name.into(),
        status: "active".into(),
        effective_start: day(team.from),
        contact: Some(desk.front_door()),
        detail: Some(Detail::CareTeam(CareTeam { name: team.name.into(), members, reason: team.reason.into() })),
        ..desk.record("CareTeam", team.from)
    }
}

fn episode_type(code: &str, display: &str) -> Coding {
    Coding { system: EPISODE_TYPES.into(), code: code.into(), display: display.into() }
}
