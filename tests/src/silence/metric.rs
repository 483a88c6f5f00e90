//! Listening to metrics: to what they are called, not to what they count.

use std::fmt::Debug;
use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use super::ear::{Channel, Listener};

/// Has every name, label and description that is used be heard; what is counted is counted by another.
pub(super) struct Labels<R> {
    pub(super) listener: Arc<dyn Listener>,
    pub(super) counted_by: R,
}

impl<R> Labels<R> {
    fn key(&self, key: &Key, metadata: &Metadata<'_>) {
        let mut text = format!("{}: {}", metadata.target(), key.name());
        for label in key.labels() {
            text.push_str(&format!(" {}={}", label.key(), label.value()));
        }
        self.listener.hear(Channel::Metric, &text);
    }

    fn description(&self, key: &dyn Debug, description: &SharedString) {
        self.listener.hear(Channel::Metric, &format!("{key:?}: {description}"));
    }
}

impl<R: Recorder> Recorder for Labels<R> {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.description(&key, &description);
        self.counted_by.describe_counter(key, unit, description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.description(&key, &description);
        self.counted_by.describe_gauge(key, unit, description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.description(&key, &description);
        self.counted_by.describe_histogram(key, unit, description);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.key(key, metadata);
        self.counted_by.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.key(key, metadata);
        self.counted_by.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.key(key, metadata);
        self.counted_by.register_histogram(key, metadata)
    }
}
