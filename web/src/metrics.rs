//! What is counted, for those who watch over the server. All labels are of few values.

use std::fmt;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::engine::{Engine, Totals};

/// A request, without what there could be many of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    /// The pattern of the route, not the path.
    route: String,
    method: &'static str,
    /// Its class.
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

/// What is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    answered: Family<Answered, Counter>,
    durations: Family<Route, Histogram>,
    uploaded: Counter,
}

/// 1 ms to 16 s.
fn request_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 15))
}

impl Metrics {
    pub(crate) fn new(engine: Engine) -> Self {
        let mut registry = Registry::with_prefix("msvpu");
        let answered = Family::default();
        registry.register("http_requests", "Requests answered", answered.clone());
        let durations: Family<Route, Histogram> =
            Family::new_with_constructor(request_buckets as fn() -> Histogram);
        registry.register_with_unit(
            "http_request_duration",
            "From the request's head to the answer's head",
            Unit::Seconds,
            durations.clone(),
        );
        let uploaded = Counter::default();
        registry.register_with_unit(
            "uploaded",
            "Taken in of files, whole or not",
            Unit::Bytes,
            uploaded.clone(),
        );
        registry.register_collector(Box::new(OfEngine(engine)));
        Self {
            registry,
            answered,
            durations,
            uploaded,
        }
    }

    /// A request was answered; `route` is the pattern of its route, if it has one.
    pub(crate) fn answered(
        &self,
        route: Option<String>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let route = route.unwrap_or_else(|| "none".to_owned());
        self.durations
            .get_or_create(&Route {
                route: route.clone(),
            })
            .observe(took.as_secs_f64());
        self.answered
            .get_or_create(&Answered {
                route,
                method: method_word(method),
                status: class(status),
            })
            .inc();
    }

    /// So many bytes of a file came in.
    pub(crate) fn uploaded(&self, bytes: usize) {
        self.uploaded.inc_by(bytes as u64);
    }

    /// All of it, in the text of OpenMetrics 1.0.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Clients may send any word for a method.
fn method_word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

/// What the engine and its machine know anyway, asked for with each look.
#[derive(Debug)]
struct OfEngine(Engine);

fn gauge(value: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

/// One value, without labels.
fn single(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
    metric.encode(encoder)
}

impl Collector for OfEngine {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(engine) = self;
        let gauges = engine.gauges();
        let metric_type = gauge(0).metric_type();
        let mut jobs = encoder.encode_descriptor("jobs", "Jobs by state", None, metric_type)?;
        for (state, number) in [("pending", gauges.queued), ("running", gauges.running)] {
            let labels = [("state", state)];
            gauge(number).encode(jobs.encode_family(&labels)?)?;
        }
        ended(&engine.totals(), &mut encoder)?;
        let blob_bytes = usize::try_from(gauges.blob_bytes).unwrap_or(usize::MAX);
        for (name, help, value) in [
            (
                "blob_bytes",
                "What uploads and artifacts take, in bytes",
                blob_bytes,
            ),
            (
                "store_writable",
                "1 if records can be written",
                usize::from(gauges.writable),
            ),
        ] {
            single(&mut encoder, name, help, &gauge(value))?;
        }
        let machine = engine.machine();
        let census = machine.census();
        let nodes = machine.nodes();
        for (name, help, value) in [
            ("nodes", "Nodes that the balancer knows", nodes.len()),
            ("leaders", "Team leaders alive", census.leaders),
            ("msvpus", "MsVPUs alive", census.msvpus),
        ] {
            single(&mut encoder, name, help, &gauge(value))?;
        }
        let counters = machine.counters();
        let messages = [
            ("sent", counters.sent),
            ("undeliverable", counters.undeliverable),
            ("misdirected", counters.misdirected),
            ("repeated", counters.repeated),
            ("duplicates", counters.duplicates),
            ("stale", counters.stale),
            ("strangers", counters.strangers),
        ];
        let metric_type = ConstCounter::new(0_u64).metric_type();
        let help = "Messages of the machine's mailboxes by what became of them";
        let mut family = encoder.encode_descriptor("messages", help, None, metric_type)?;
        for (fate, number) in messages {
            let labels = [("fate", fate)];
            ConstCounter::new(number).encode(family.encode_family(&labels)?)?;
        }
        broker(engine, &mut encoder)
    }
}

fn ended(totals: &Totals, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let metric_type = ConstCounter::new(0_u64).metric_type();
    let help = "Jobs that have ended since the start, by state";
    let mut family = encoder.encode_descriptor("jobs_ended", help, None, metric_type)?;
    for (state, number) in [
        ("succeeded", totals.succeeded),
        ("failed", totals.failed),
        ("cancelled", totals.cancelled),
    ] {
        let labels = [("state", state)];
        ConstCounter::new(number).encode(family.encode_family(&labels)?)?;
    }
    let help = "From the last begin of a job to its end";
    let unit = Some(&Unit::Seconds);
    let mut histogram =
        encoder.encode_descriptor("job_duration", help, unit, MetricType::Histogram)?;
    let count = totals.durations.iter().map(|(_, number)| number).sum();
    histogram.encode_histogram::<NoLabelSet>(totals.seconds, count, &totals.durations, None)
}

#[cfg(feature = "amqp")]
fn broker(engine: &Engine, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    use msvpu_actors::Connectivity;

    use crate::api::nodes::counts;

    let machine = engine.machine();
    let (Some(counters), Some(connectivity)) = (machine.broker_counters(), machine.connectivity())
    else {
        return Ok(());
    };
    let connected = usize::from(connectivity == Connectivity::Connected);
    let help = "1 if there is a connection to the broker";
    single(encoder, "broker_connected", help, &gauge(connected))?;
    for (name, help, value) in [
        (
            "broker_connections",
            "Connections opened",
            counters.connections,
        ),
        (
            "broker_blocked",
            "Times that the broker held up publishing",
            counters.blocked,
        ),
    ] {
        single(encoder, name, help, &ConstCounter::new(value))?;
    }
    let queues = [
        ("control", counters.control),
        ("data", counters.data),
        ("tasks", counters.tasks),
        ("results", counters.results),
    ];
    let metric_type = ConstCounter::new(0_u64).metric_type();
    let help = "What went through the broker by kind of queue and by what became of it; bytes where it says so";
    let mut family = encoder.encode_descriptor("broker_queue", help, None, metric_type)?;
    for (queue, counters) in &queues {
        for (event, number) in counts(counters) {
            let labels = [("queue", *queue), ("event", event)];
            ConstCounter::new(number).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

#[cfg(not(feature = "amqp"))]
const fn broker(_: &Engine, _: &mut DescriptorEncoder<'_>) -> fmt::Result {
    Ok(())
}
