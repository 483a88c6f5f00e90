//! Listening to metrics: to what they are called, not to what they count.

use std::fmt::Debug;
use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use super::ear::{Channel, Listener};

/// Hands on every name, label and description that is used, and counts nothing.
pub(super) struct Labels(pub(super) Arc<dyn Listener>);

impl Labels {
    fn key(&self, key: &Key, metadata: &Metadata<'_>) {
        let mut text = format!("{}: {}", metadata.target(), key.name());
        for label in key.labels() {
            text.push_str(&format!(" {}={}", label.key(), label.value()));
        }
        self.0.hear(Channel::Metric, &text);
    }

    fn description(&self, key: &dyn Debug, description: &SharedString) {
        self.0.hear(Channel::Metric, &format!("{key:?}: {description}"));
    }
}

impl Recorder for Labels {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.description(&key, &description);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.description(&key, &description);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.description(&key, &description);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.key(key, metadata);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.key(key, metadata);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.key(key, metadata);
        Histogram::noop()
    }
}
