//! What came of it, for people and for machines.

use serde_json::json;

use super::small::{AT_ONCE, Views};
use crate::peer::Told;
use crate::slow_peers::{median, quantile};

/// How many times as long as alone 95 % of the small views may take.
const AT_MOST: f64 = 2.0;

/// What came of one phase.
pub(super) struct Phase {
    /// The small views.
    pub(super) views: Views,
    /// The large ones: begun, and of those refused.
    pub(super) large: Told,
}

/// Two phases that are compared.
pub(super) struct Pair {
    pub(super) alone: Phase,
    pub(super) beside: Phase,
}

/// Everything that was measured.
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) seconds: f64,
    pub(super) pairs: Vec<Pair>,
    /// The most memory of the process that serves.
    pub(super) memory: u64,
    /// What that process said in the end.
    pub(super) ended: String,
}

/// One figure: medians over all phases, in milliseconds, and the median of the pairs' ratios.
struct Figure {
    alone: f64,
    beside: f64,
    ratio: f64,
    least: f64,
    most: f64,
}

impl Phase {
    fn quantile(&self, part: f64) -> Option<f64> {
        quantile(&self.views.took, part)
    }
}

impl Report {
    fn figure(&self, part: f64) -> Option<Figure> {
        let figures = |of: fn(&Pair) -> &Phase| -> Option<Vec<f64>> {
            self.pairs.iter().map(|pair| of(pair).quantile(part)).collect()
        };
        let (alone, beside) = (figures(|pair| &pair.alone)?, figures(|pair| &pair.beside)?);
        let ratios: Vec<f64> = beside.iter().zip(&alone).map(|(beside, alone)| beside / alone).collect();
        Some(Figure {
            alone: median(&alone)?,
            beside: median(&beside)?,
            ratio: median(&ratios)?,
            least: quantile(&ratios, 0.0)?,
            most: quantile(&ratios, 1.0)?,
        })
    }

    fn phases(&self) -> impl Iterator<Item = &Phase> {
        self.pairs.iter().flat_map(|pair| [&pair.alone, &pair.beside])
    }

    fn large(&self) -> Told {
        let mut all = Told::default();
        self.phases().for_each(|phase| all += phase.large);
        all
    }

    /// Why it does not hold.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        match self.figure(0.95) {
            None => faults.push("a phase without a view".to_owned()),
            Some(of) if of.ratio > AT_MOST => {
                faults.push(format!("p95 is {:.2} times that of small views alone; {AT_MOST} are allowed", of.ratio));
            }
            Some(_) => {}
        }
        let wrong: usize = self.phases().map(|phase| phase.views.wrong).sum();
        if let Some(first) = self.phases().find_map(|phase| phase.views.fault.as_ref()) {
            faults.push(format!("{wrong} small views failed or were not complete, the first: {first}"));
        }
        if self.pairs.iter().any(|pair| pair.beside.large.acts <= pair.beside.large.refused) {
            faults.push("a phase in which no large answers came".to_owned());
        }
        if self.large().refused > 0 {
            faults.push(format!("{} large views failed, or were not of the largest answers", self.large().refused));
        }
        faults
    }

    fn rows(&self) -> [(&'static str, Option<Figure>); 2] {
        [("p50", self.figure(0.5)), ("p95", self.figure(0.95))]
    }

    pub(super) fn to_json(&self) -> anyhow::Result<String> {
        let figures = self.rows().map(|(name, figure)| {
            let figure = figure.map(|of| {
                json!({ "alone_ms": of.alone, "beside_ms": of.beside, "ratio": of.ratio, "least": of.least, "most": of.most })
            });
            (name.to_owned(), figure.unwrap_or_default())
        });
        let document = json!({
            "machine": self.machine,
            "pairs": self.pairs.len(),
            "seconds": self.seconds,
            "views_at_once": AT_ONCE,
            "small_views": self.phases().map(|phase| phase.views.took.len()).sum::<usize>(),
            "large_views": self.large().acts,
            "figures": serde_json::Map::from_iter(figures),
            "ratio_at_most": AT_MOST,
            "memory_mb": self.memory / 1_000_000,
            "ended": self.ended,
            "faults": self.faults(),
        });
        Ok(serde_json::to_string_pretty(&document)?)
    }

    pub(super) fn to_table(&self) -> String {
        let mut lines = vec![
            format!(
                "{}; {} pairs of {}s, {AT_ONCE} small views at a time",
                self.machine,
                self.pairs.len(),
                self.seconds
            ),
            String::new(),
            format!("{:<12}{:>10}{:>12}   ratio (least to most)", "views' ms", "alone", "beside"),
        ];
        for (name, figure) in self.rows() {
            lines.push(figure.map_or_else(
                || format!("{name:<12}nothing was measured"),
                |Figure { alone, beside, ratio, least, most }| {
                    format!("{name:<12}{alone:>10.1}{beside:>12.1}   {ratio:.2} ({least:.2} to {most:.2})")
                },
            ));
        }
        let small: usize = self.phases().map(|phase| phase.views.took.len()).sum();
        lines.push(format!(
            "{small} small views; {} views of the largest answers; memory at most {} MB; {}",
            self.large().acts,
            self.memory / 1_000_000,
            self.ended
        ));
        let faults = self.faults();
        lines.push(if faults.is_empty() { "holds".to_owned() } else { faults.join("\n") });
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(took: f64, large: u64) -> Phase {
        let views = Views { took: vec![took; 20], ..Views::default() };
        Phase { views, large: Told { connections: 1, acts: large, refused: 0 } }
    }

    fn report(beside: f64, large: u64) -> Report {
        let pair = || Pair { alone: phase(10.0, 0), beside: phase(beside, large) };
        let pairs = (0..3).map(|_| pair()).collect();
        Report { machine: "here".into(), seconds: 2.0, pairs, memory: 100_000_000, ended: "ended".into() }
    }

    #[test]
    fn twice_as_long_as_alone_holds_and_more_does_not() {
        assert_eq!(report(20.0, 5).faults(), Vec::<String>::new());
        assert!(report(20.0, 5).to_table().ends_with("holds"));
        assert!(report(20.1, 5).faults()[0].starts_with("p95 is 2.01 times"), "{:?}", report(20.1, 5).faults());
        assert!(report(20.1, 5).to_json().unwrap().contains("\"ratio\": 2.01"));
    }

    #[test]
    fn a_measurement_without_large_answers_or_with_wrong_views_does_not_hold() {
        assert!(report(10.0, 0).faults()[0].contains("no large answers"));
        let mut wrong = report(10.0, 5);
        wrong.pairs[1].beside.views = Views { took: vec![10.0; 20], wrong: 2, fault: Some("late".into()) };
        wrong.pairs[1].beside.large.refused = 1;
        assert_eq!(wrong.faults().len(), 2, "{:?}", wrong.faults());
    }
}
