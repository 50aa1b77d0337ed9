//! The manager's counters in the text form of Prometheus and `OpenMetrics`.

use core::fmt;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use dunlin_manager::{Manager, Metrics};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::TypedMetric as _;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::api::{Problem, ProblemKind};
use crate::problem::IntoProblem as _;

/// The media type of `OpenMetrics`, which Prometheus reads too.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Show the metrics
///
/// In the text form of `OpenMetrics`, which Prometheus reads.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "show_metrics",
    tag = "server",
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "application/openmetrics-text"),
        (status = 500, description = "The metrics cannot be written", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn metrics(State(manager): State<Manager>) -> Result<Response, Problem> {
    let mut registry = Registry::with_prefix("dunlin");
    registry.register_collector(Box::new(Counters(manager.metrics())));
    let mut text = String::new();
    encode(&mut text, &registry)
        .map_err(|_| ProblemKind::Internal.problem("The metrics cannot be written."))?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

/// The manager's own counters, read once for each scrape.
#[derive(Debug)]
struct Counters(Metrics);

impl Collector for Counters {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let metrics = &self.0;
        let mut writer = Writer(encoder);

        writer.gauge("devices", "Devices known now", metrics.devices)?;
        writer.gauge(
            "registrations",
            "Devices with a registration now",
            metrics.registrations,
        )?;
        writer.gauge(
            "observations",
            "Observations kept up now",
            metrics.observations,
        )?;
        writer.gauge(
            "commands_waiting",
            "Commands waiting or running now",
            metrics.commands_waiting,
        )?;

        writer.counter("registered", "Registrations accepted", metrics.registered)?;
        writer.counter("updated", "Updates accepted", metrics.updated)?;
        writer.counter("deregistered", "De-registrations", metrics.deregistered)?;
        writer.counter(
            "expired",
            "Registrations that ended by their lifetime",
            metrics.expired,
        )?;

        writer.counters(
            "notifications",
            "Notifications by what became of them",
            [
                ([("outcome", "ok")], metrics.notifications),
                ([("outcome", "old")], metrics.notifications_old),
                ([("outcome", "unknown")], metrics.notifications_unknown),
            ],
        )?;
        writer.counters(
            "commands",
            "Commands by operation and outcome",
            metrics.commands.iter().map(|entry| {
                (
                    [("operation", entry.operation), ("outcome", entry.outcome)],
                    entry.count,
                )
            }),
        )?;
        writer.counters(
            "coap_requests",
            "Requests answered by kind and code",
            metrics.requests.iter().map(|entry| {
                (
                    [
                        ("kind", entry.kind.name().to_owned()),
                        ("code", entry.code.to_string()),
                    ],
                    entry.count,
                )
            }),
        )?;

        writer.counters(
            "coap_datagrams",
            "Datagrams by direction",
            [
                ([("direction", "in")], metrics.datagrams_in),
                ([("direction", "out")], metrics.datagrams_out),
            ],
        )?;
        writer.counters(
            "coap_bytes",
            "Bytes of datagrams by direction",
            [
                ([("direction", "in")], metrics.bytes_in),
                ([("direction", "out")], metrics.bytes_out),
            ],
        )?;
        writer.counters(
            "coap_malformed",
            "Datagrams that were no proper message, by what was wrong",
            metrics
                .malformed
                .iter()
                .map(|entry| ([("reason", entry.why.name())], entry.count)),
        )?;
        writer.counter(
            "coap_send_failures",
            "Datagrams that the operating system did not take",
            metrics.send_failures,
        )?;
        writer.counter("coap_pings", "CoAP pings", metrics.pings)?;
        writer.counter("coap_resets", "Resets sent", metrics.resets_out)?;
        writer.counter(
            "coap_duplicates",
            "Messages that came twice",
            metrics.duplicates,
        )?;
        writer.counter(
            "coap_retransmissions",
            "Requests sent again",
            metrics.retransmissions,
        )?;
        writer.counter(
            "coap_give_ups",
            "Exchanges given up after the last retransmission",
            metrics.give_ups,
        )?;
        writer.counter(
            "coap_unexpected",
            "Answers that belong to nothing",
            metrics.unexpected,
        )?;

        let dtls = &metrics.dtls;
        writer.gauge(
            "dtls_associations",
            "DTLS associations open now",
            dtls.associations,
        )?;
        writer.gauge(
            "dtls_handshakes_running",
            "DTLS handshakes under way now",
            dtls.handshakes_running,
        )?;
        writer.counters(
            "dtls_handshakes",
            "DTLS handshakes by what became of them",
            [
                ([("outcome", "ok")], dtls.handshakes),
                ([("outcome", "failed")], dtls.handshakes_failed),
                ([("outcome", "refused")], dtls.handshakes_refused),
            ],
        )?;
        writer.counter(
            "dtls_handshakes_resumed",
            "DTLS handshakes that resumed a session",
            dtls.handshakes_resumed,
        )?;
        writer.counter(
            "dtls_cookies",
            "Cookies sent to strangers who began a handshake",
            dtls.cookies,
        )?;
        writer.counter(
            "dtls_associations_moved",
            "Changes of the address of an association",
            dtls.associations_moved,
        )?;
        writer.counter(
            "dtls_dropped",
            "Datagrams of DTLS that belonged to nothing or were not genuine",
            dtls.records_dropped,
        )?;

        writer.counter("store_commits", "Group commits", metrics.store.commits)?;
        writer.counter(
            "store_changes",
            "Changes in the group commits",
            metrics.store.changes,
        )?;
        writer.counter(
            "store_failures",
            "Commits that failed",
            metrics.store.failures,
        )?;
        writer.gauge(
            "store_failing",
            "1 while the store takes no changes",
            u64::from(metrics.store.failing),
        )
    }
}

struct Writer<'a>(DescriptorEncoder<'a>);

impl Writer<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let gauge = ConstGauge::new(value);
        gauge.encode(
            self.0
                .encode_descriptor(name, help, None, gauge.metric_type())?,
        )
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(
            self.0
                .encode_descriptor(name, help, None, counter.metric_type())?,
        )
    }

    fn counters<const N: usize, V: AsRef<str>>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = ([(&'static str, V); N], u64)>,
    ) -> fmt::Result {
        let mut family = self
            .0
            .encode_descriptor(name, help, None, ConstCounter::<u64>::TYPE)?;
        for (labels, value) in rows {
            let labels: Vec<(&str, &str)> = labels
                .iter()
                .map(|(name, value)| (*name, value.as_ref()))
                .collect();
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
