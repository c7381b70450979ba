//! What the collector gets is what memory holds; and nothing waits for a collector.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use mixbed_telemetry::{Attribute, HopOutcome, Options, SpanName, Telemetry, TelemetryError};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Identity, ServerTlsConfig};
use tonic::{Request, Response, Status};

use crate::spans::hop;

/// Tells of what it takes: only what has its token, if it has one.
struct Collector(mpsc::UnboundedSender<ExportTraceServiceRequest>, Option<&'static str>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let token = request.metadata().get("x-token").and_then(|token| token.to_str().ok());
        if self.1.is_some() && token != self.1 {
            return Err(Status::unauthenticated("no token"));
        }
        let _ = self.0.send(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

async fn collector() -> (String, mpsc::UnboundedReceiver<ExportTraceServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = mpsc::unbounded_channel();
    let server = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(Collector(sender, None)))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    (endpoint, received)
}

fn telemetry(endpoint: &str) -> Telemetry {
    Telemetry::new(&Options {
        otlp: Some(endpoint.to_owned()),
        memory_spans: 100,
        ..Options::default()
    })
    .unwrap()
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |kv: &KeyValue| match kv.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        other => panic!("unexpected value {other:?}"),
    };
    attributes.iter().map(|kv| (kv.key.clone(), text(kv))).collect()
}

fn nanos(at: SystemTime) -> u64 {
    u64::try_from(at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

#[tokio::test]
async fn the_collector_gets_what_memory_holds() {
    let (endpoint, mut received) = collector().await;
    let telemetry = telemetry(&endpoint);
    let client = telemetry.service("client", "alice");
    let mut broadcast = client.span(SpanName::Broadcast, None);
    broadcast.set(Attribute::Txid, "abcd");
    let packet = client.span(SpanName::Packet, Some(broadcast.context()));
    let context = packet.context();
    telemetry.service("gateway", "gateway-0").record_hop(&hop(context, HopOutcome::Forwarded));
    telemetry.service("mix", "mix-1-0").record_hop(&hop(context, HopOutcome::Dropped("bad_mac")));
    packet.fail("deadline");
    broadcast.ok();
    telemetry.shutdown(Duration::from_secs(20)).await;

    let mut exported = HashMap::new();
    while let Ok(request) = received.try_recv() {
        for group in request.resource_spans {
            let service = texts(&group.resource.unwrap().attributes);
            for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                exported.insert(span.span_id.clone(), (service.clone(), span));
            }
        }
    }
    let kept = telemetry.spans().trace(context.trace_id);
    assert_eq!((kept.len(), exported.len()), (4, 4));
    for record in kept {
        let (service, span) = &exported[record.span_id.as_slice()];
        assert_eq!(service["service.name"], format!("mixbed-{}", record.role));
        assert_eq!(service["service.instance.id"], record.node);
        assert_eq!(span.name, record.name);
        assert_eq!(span.trace_id, record.trace_id);
        assert_eq!(span.parent_span_id, record.parent.map_or_else(Vec::new, Vec::from));
        assert_eq!(span.start_time_unix_nano, nanos(record.start));
        assert_eq!(span.end_time_unix_nano, nanos(record.end));
        let attributes: BTreeMap<_, _> =
            record.attributes.iter().map(|(key, value)| (key.clone(), value.to_string())).collect();
        assert_eq!(texts(&span.attributes), attributes);
        let status = span.status.clone().unwrap();
        assert_eq!(status.code() == StatusCode::Error, record.error().is_some());
        assert_eq!(status.message, record.error().unwrap_or_default());
    }
    assert!(telemetry.metrics_text().contains("mixbed_spans_exported_total{} 4\n"));
}

#[tokio::test]
async fn the_surroundings_are_in_every_services_resource() {
    let (endpoint, mut received) = collector().await;
    let options = Options { otlp: Some(endpoint), memory_spans: 0, ..Options::default() };
    let telemetry = Telemetry::with_variables(&options, |name| {
        let attributes = "k8s.pod.name=pod-7,k8s.namespace.name=a%2Cb,service.instance.id=other";
        (name == "OTEL_RESOURCE_ATTRIBUTES").then(|| attributes.to_owned())
    });
    let telemetry = telemetry.unwrap();
    for (role, name) in [("mix", "mix-1-0"), ("client", "alice")] {
        telemetry.service(role, name).span(SpanName::Packet, None).ok();
    }
    telemetry.shutdown(Duration::from_secs(20)).await;

    let mut names = Vec::new();
    while let Ok(request) = received.try_recv() {
        for group in request.resource_spans {
            let mut service = texts(&group.resource.unwrap().attributes);
            assert_eq!(service["k8s.pod.name"], "pod-7");
            assert_eq!(service["k8s.namespace.name"], "a,b");
            names.extend(service.remove("service.instance.id"));
        }
    }
    names.sort();
    assert_eq!(names, ["alice", "mix-1-0"]);
}

/// Whatever becomes of the collector: recording goes on, the end comes within its limit, and
/// what was lost is counted.
async fn copes(endpoint: &str, limit: Duration) -> Telemetry {
    let telemetry = telemetry(endpoint);
    let client = telemetry.service("client", "alice");
    for _ in 0..3 {
        client.span(SpanName::Packet, None).ok();
    }
    let start = Instant::now();
    telemetry.shutdown(limit).await;
    // On a busy machine it may be late.
    assert!(start.elapsed() < limit + Duration::from_secs(20), "took {:?}", start.elapsed());
    assert_eq!(telemetry.spans().len(), 3);
    telemetry
}

#[tokio::test]
async fn an_absent_collector_costs_its_spans_only() {
    // A port that was free a moment ago: nobody answers there.
    let addr: SocketAddr = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let telemetry = copes(&format!("http://{addr}"), Duration::from_secs(20)).await;
    let text = telemetry.metrics_text();
    assert!(text.contains("mixbed_spans_lost_total{reason=\"collector\"} 3\n"), "{text}");

    telemetry.service("client", "alice").span(SpanName::Packet, None).ok();
    let text = telemetry.metrics_text();
    assert!(text.contains("mixbed_spans_lost_total{reason=\"shut_down\"} 1\n"), "{text}");
}

#[tokio::test]
async fn a_collector_that_hangs_does_not_hold_up_the_end() {
    // Accepts (the system does) and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let telemetry = copes(&endpoint, Duration::from_millis(200)).await;
    // The export, which is given up after 3 s, was not waited for.
    let text = telemetry.metrics_text();
    assert!(!text.contains("mixbed_spans_lost_total{reason=\"collector\"} 3\n"), "{text}");
}

#[tokio::test]
async fn a_full_queue_loses_spans_by_name_and_does_not_block() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let telemetry = telemetry(&format!("http://{}", silent.local_addr().unwrap()));
    let client = telemetry.service("client", "alice");
    // The exporting task has no chance to run in between: the test's runtime has one thread.
    for _ in 0..4096 + 10 {
        client.span(SpanName::Packet, None).ok();
    }
    let text = telemetry.metrics_text();
    assert!(text.contains("mixbed_spans_lost_total{reason=\"queue_full\"} 10\n"), "{text}");
    assert_eq!(telemetry.spans().len(), 100);
}

/// A collector behind TLS that wants a token, and gzip if it is packed; and the file with its authority.
async fn guarded() -> (String, PathBuf, mpsc::UnboundedReceiver<ExportTraceServiceRequest>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let authority =
        std::env::temp_dir().join(format!("mixbed-otlp-{}-{port}.pem", std::process::id()));
    std::fs::write(&authority, &certificate).unwrap();
    let (sender, received) = mpsc::unbounded_channel();
    let service = TraceServiceServer::new(Collector(sender, Some("a b")))
        .accept_compressed(CompressionEncoding::Gzip);
    let server = tonic::transport::Server::builder()
        .tls_config(ServerTlsConfig::new().identity(Identity::from_pem(certificate, key)))
        .unwrap()
        .add_service(service)
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);
    (format!("https://localhost:{port}"), authority, received)
}

#[tokio::test]
async fn a_collector_behind_tls_gets_spans_with_their_token_packed() {
    let (endpoint, authority, mut received) = guarded().await;
    let path = authority.to_str().unwrap().to_owned();
    let options = Options { otlp: Some(endpoint), ..Options::default() };
    let all = [
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", path.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "X-Token=a%20b"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
    ];
    // All that it wants; the wrong token; an authority that it is not of.
    for (variables, lost) in [(&all[..], false), (&all[..1], true), (&all[1..], true)] {
        let of = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let telemetry = Telemetry::with_variables(&options, of).unwrap();
        telemetry.service("client", "alice").span(SpanName::Packet, None).ok();
        telemetry.shutdown(Duration::from_secs(20)).await;
        let text = telemetry.metrics_text();
        let failed = text.contains("mixbed_spans_lost_total{reason=\"collector\"} 1\n");
        assert_eq!((failed, received.try_recv().is_err()), (lost, lost), "{variables:?}: {text}");
    }
    std::fs::remove_file(authority).unwrap();
}

#[tokio::test]
async fn a_variable_that_cannot_be_followed_is_named() {
    for (name, value, word) in [
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip and none are"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem", "/nowhere/ca.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/dev/null", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "token", "key=value"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a b=c", "cannot be in a header"),
    ] {
        let otlp = Some("https://localhost:4317".to_owned());
        let options = Options { otlp, ..Options::default() };
        let of = |variable: &str| (variable == name).then(|| value.to_owned());
        let error = Telemetry::with_variables(&options, of).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(word), "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_one_is_refused() {
    for endpoint in ["", "localhost:4317", "ftp://localhost:4317", "http://", "not an address"] {
        let options =
            Options { otlp: Some(endpoint.to_owned()), memory_spans: 0, ..Options::default() };
        let error = Telemetry::new(&options).unwrap_err();
        assert!(matches!(error, TelemetryError::Endpoint { .. }), "{endpoint}: {error}");
    }
}

#[test]
fn exporting_without_a_runtime_is_an_error() {
    let options = Options {
        otlp: Some("http://127.0.0.1:1".to_owned()),
        memory_spans: 0,
        ..Options::default()
    };
    assert!(matches!(Telemetry::new(&options), Err(TelemetryError::NoRuntime { .. })));
}
