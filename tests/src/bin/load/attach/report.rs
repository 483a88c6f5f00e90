//! What came of it, for people and for machines.

use serde::Serialize;

/// The figures.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) nodes: usize,
    pub(super) processes: usize,
    /// From the start of the processes of nodes until every organisation has its two links.
    pub(super) attach_s: f64,
    /// The broker's resident memory, the larger of before and after its restart.
    pub(super) broker_rss_mb: f64,
    /// That of a process with one organisation.
    pub(super) node_rss_mb: f64,
    /// CPU time of the broker when nobody asks, as a part of one CPU.
    pub(super) idle_cpu_percent: f64,
    /// From when the broker was there again until 99 % of the organisations had their two links.
    pub(super) after_restart_s_p99: f64,
    /// The same of all of them.
    pub(super) after_restart_s_all: f64,
    /// Links in the end.
    pub(super) links: usize,
    pub(super) machine: String,
}

/// A figure, what it may be at most, and how it is called.
type Bound = (&'static str, f64, f64);

impl Report {
    fn bounds(&self) -> [Bound; 3] {
        [
            ("broker_rss_mb", self.broker_rss_mb, 200.0),
            ("node_rss_mb", self.node_rss_mb, 64.0),
            ("after_restart_s_p99", self.after_restart_s_p99, 30.0),
        ]
    }

    /// What is beyond its bound.
    pub(super) fn faults(&self) -> Vec<String> {
        let beyond = self.bounds().into_iter().filter(|(_, value, most)| value > most);
        let mut faults: Vec<String> = beyond.map(|(name, value, most)| format!("{name} {value:.1} > {most}")).collect();
        if self.links != self.nodes * 2 {
            faults.push(format!("{} links, where {} nodes have two each", self.links, self.nodes));
        }
        faults
    }

    pub(super) fn to_json(&self) -> anyhow::Result<String> {
        let mut value = serde_json::to_value(self)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("faults".to_owned(), self.faults().into());
        }
        Ok(serde_json::to_string_pretty(&value)?)
    }

    pub(super) fn to_table(&self) -> String {
        let rows = [
            ("organisations", format!("{} in {} processes", self.nodes, self.processes)),
            ("attached after", format!("{:.1} s", self.attach_s)),
            ("broker, resident", format!("{:.1} MB", self.broker_rss_mb)),
            ("node alone, resident", format!("{:.1} MB", self.node_rss_mb)),
            ("broker, idle", format!("{:.2} % of a CPU", self.idle_cpu_percent)),
            ("99 % back after", format!("{:.1} s", self.after_restart_s_p99)),
            ("all back after", format!("{:.1} s", self.after_restart_s_all)),
            ("links", self.links.to_string()),
            ("on", self.machine.clone()),
        ];
        let mut lines: Vec<String> = rows.iter().map(|(name, value)| format!("{name:<22}{value}")).collect();
        let faults = self.faults();
        lines.push(if faults.is_empty() { "within every bound".to_owned() } else { faults.join("; ") });
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            nodes: 800,
            processes: 9,
            attach_s: 2.0,
            broker_rss_mb: 120.0,
            node_rss_mb: 40.0,
            idle_cpu_percent: 0.4,
            after_restart_s_p99: 12.0,
            after_restart_s_all: 14.0,
            links: 1600,
            machine: "here".into(),
        }
    }

    #[test]
    fn what_is_beyond_its_bound_is_named() {
        assert_eq!(report().faults(), Vec::<String>::new());
        let wrong = Report { node_rss_mb: 64.5, links: 1599, ..report() };
        assert_eq!(wrong.faults(), ["node_rss_mb 64.5 > 64", "1599 links, where 800 nodes have two each"]);
        assert!(wrong.to_json().unwrap().contains("\"faults\": [\n"));
        assert!(report().to_table().ends_with("within every bound"));
    }
}
