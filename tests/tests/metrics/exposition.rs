//! Prometheus' text format, read back.

use std::collections::{BTreeMap, BTreeSet};

/// What one reading of `/metrics` shows.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    kinds: BTreeMap<String, String>,
    described: BTreeSet<String>,
    pub(crate) series: Vec<Series>,
}

/// One line with a number.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Exposition {
    /// Reads the text. No value of a label in it needs escapes.
    pub(crate) fn parse(text: &str) -> Self {
        let mut exposition = Exposition::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                exposition.described.insert(help.split_once(' ').unwrap().0.to_owned());
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                exposition.kinds.insert(name.to_owned(), kind.to_owned());
            } else {
                exposition.series.push(Series::parse(line));
            }
        }
        exposition
    }

    /// Every metric that has a number.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.kinds.keys().map(String::as_str).collect()
    }

    /// `counter`, `gauge` or `histogram`.
    pub(crate) fn kind(&self, name: &str) -> &str {
        &self.kinds[name]
    }

    pub(crate) fn is_described(&self, name: &str) -> bool {
        self.described.contains(name)
    }

    /// The names of all labels of a metric, but a histogram's own.
    pub(crate) fn label_names(&self, name: &str) -> BTreeSet<String> {
        let of_it = self.series.iter().filter(|series| self.metric_of(&series.name) == name);
        of_it.flat_map(|series| series.labels.keys().filter(|label| *label != "le").cloned()).collect()
    }

    /// The number with exactly these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels: BTreeMap<String, String> =
            labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        let mut of_it = self.series.iter().filter(|series| series.name == name && series.labels == labels);
        of_it.next().unwrap_or_else(|| panic!("{name} has no number with the labels {labels:?}")).value
    }

    /// A histogram's lines have names of their own.
    fn metric_of<'a>(&self, name: &'a str) -> &'a str {
        let stems = ["_bucket", "_sum", "_count"].iter().filter_map(|end| name.strip_suffix(end));
        stems.into_iter().find(|stem| self.kinds.get(*stem).is_some_and(|kind| kind == "histogram")).unwrap_or(name)
    }
}

impl Series {
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let pairs = labels.strip_suffix('}').unwrap().split(',').filter(|pair| !pair.is_empty());
        let labels = pairs
            .map(|pair| {
                let (label, value) = pair.split_once('=').unwrap();
                (label.to_owned(), value.trim_matches('"').to_owned())
            })
            .collect();
        Series { name: name.to_owned(), labels, value: value.parse().unwrap() }
    }
}
