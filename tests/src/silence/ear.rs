//! Listening to everything that a process writes.

use std::fmt::{self, Debug, Write as _};
use std::panic::Location;
use std::sync::Arc;

use anyhow::anyhow;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::metric::Labels;

/// Where something was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Events and spans of tracing, and of `log`, with all their fields.
    Log,
    /// What panics say.
    Panic,
    /// What errors say: statuses as they leave a broker or node; `Display` and `Debug` of every cause.
    Error,
    /// Names, labels and descriptions of metrics.
    Metric,
    /// What another process wrote to its standard output or error.
    Output,
}

/// Who listens.
pub(super) trait Listener: Send + Sync + 'static {
    /// Something was written.
    fn hear(&self, channel: Channel, text: &str);

    /// Somebody wrote to the log.
    fn spoke(&self, _who: &Metadata<'_>) {}

    /// Whether a panic from there is listened to.
    fn minds(&self, _panic_at: Option<&Location<'_>>) -> bool {
        true
    }
}

/// Has that listener hear every event, span, panic and metric of this process from now on, whatever
/// its level and crate. Panics are printed as before; metrics go on to the recorder that is given.
///
/// # Errors
///
/// When somebody else listens already to tracing or to metrics.
pub(super) fn listen<R>(listener: Arc<dyn Listener>, counted_by: R) -> anyhow::Result<()>
where
    R: metrics::Recorder + Sync + 'static,
{
    let ear = Ear(Arc::clone(&listener));
    let subscriber = tracing_subscriber::registry().with(ear);
    subscriber.try_init().map_err(|error| anyhow!("tracing has another listener: {error}"))?;
    let metrics = metrics::set_global_recorder(Labels { listener: Arc::clone(&listener), counted_by });
    metrics.map_err(|error| anyhow!("metrics have another listener: {error}"))?;
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if listener.minds(info.location()) {
            listener.hear(Channel::Panic, &info.to_string());
        }
        before(info);
    }));
    Ok(())
}

/// A layer that leaves nothing out.
struct Ear(Arc<dyn Listener>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Ear {
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.tell(span.metadata(), |line| {
            line.open(span.metadata().name());
            span.record(line);
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(metadata) = context.metadata(id) else { return };
        self.tell(metadata, |line| {
            line.open(metadata.name());
            values.record(line);
        });
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.tell(event.metadata(), |line| event.record(line));
    }
}

impl Ear {
    fn tell(&self, metadata: &'static Metadata<'static>, say: impl FnOnce(&mut Line)) {
        let mut line = Line(String::new());
        // Writing to a string does not fail.
        let _ = write!(line.0, "{} {}:", metadata.level(), metadata.target());
        say(&mut line);
        self.0.spoke(metadata);
        self.0.hear(Channel::Log, &line.0);
    }
}

/// Fields as they are written down.
struct Line(String);

impl Line {
    fn open(&mut self, span: &str) {
        self.0.push(' ');
        self.0.push_str(span);
        self.0.push('{');
    }

    fn field(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if !self.0.ends_with('{') {
            self.0.push(' ');
        }
        let _ = match field.name() {
            "message" => write!(self.0, "{value}"),
            name => write!(self.0, "{name}={value}"),
        };
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, format_args!("{value:?}"));
    }
}
