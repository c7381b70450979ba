//! Traces of a Mixnet, from the Jaeger that it sends its spans to.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use mixbed_monero::rpc::{Trust, http_client, https_client};
use mixbed_telemetry::{Attribute, SpanRecord, Status, Value};
use serde::Deserialize;
use serde_json::Value as Json;

use super::session::InService;
use super::{ClusterError, InCluster};
use crate::control::Trace;

/// Finds a trace by its id, or a transaction's.
pub(crate) async fn trace(found: &InCluster, id: &str) -> Result<Trace, ClusterError> {
    let path = if id.len() == 64 {
        let tags = serde_json::json!({ Attribute::Txid.key(): id }).to_string();
        let tags: String = url_encoded(&tags);
        format!(
            "api/traces?service=mixbed-client&limit=1&lookback=custom&start=0&end={}&tags={tags}",
            micros(SystemTime::now())
        )
    } else {
        format!("api/traces/{id}")
    };
    let answer = ask(found, &path).await?;
    let found_trace = answer.and_then(|answer| answer.data.into_iter().next());
    let found_trace = found_trace.ok_or_else(|| {
        ClusterError::Other(format!(
            "Jaeger has no trace {id}: it may be of a transaction that was not traced, or is too old"
        ))
    })?;
    let trace_id = found_trace.trace_id.clone();
    Ok(Trace { trace_id, spans: found_trace.records() })
}

/// Asks Jaeger, by way of the API server if it is a service of the cluster.
async fn ask(found: &InCluster, path: &str) -> Result<Option<Answer>, ClusterError> {
    let url = found.mixnet.spec.tracing.jaeger.as_deref().ok_or_else(|| {
        ClusterError::Other(format!(
            "the Mixnet {} does not say where its traces are: set spec.tracing.jaeger (and spec.tracing.otlp), or install the chart with jaeger.enabled=true",
            found.name()
        ))
    })?;
    let failed = |error: &dyn std::fmt::Display| {
        ClusterError::Other(format!("Jaeger at {url} does not answer: {error}"))
    };
    let text = if let Some(at) = InService::of(url, &found.namespace) {
        let InService { service, namespace, port } = at;
        let path = format!("/api/v1/namespaces/{namespace}/services/{service}:{port}/proxy/{path}");
        match found.http_at(&path).await {
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
            answer => answer.map_err(|error| failed(&error))?,
        }
    } else {
        let url = format!("{}/{path}", url.trim_end_matches('/'));
        let http = if url.starts_with("https://") {
            https_client(&Trust::System).map_err(|error| failed(&error))?
        } else {
            http_client()
        };
        let http = http.build().map_err(|error| failed(&error))?;
        let answer = http.get(url).send().await.map_err(|error| failed(&error))?;
        if answer.status().as_u16() == 404 {
            return Ok(None);
        }
        answer.text().await.map_err(|error| failed(&error))?
    };
    serde_json::from_str(&text).map(Some).map_err(|error| failed(&error))
}

/// What Jaeger answers (its HTTP JSON API).
#[derive(Debug, Deserialize)]
struct Answer {
    data: Vec<Found>,
}

#[derive(Debug, Deserialize)]
struct Found {
    #[serde(rename = "traceID")]
    trace_id: String,
    spans: Vec<Span>,
    processes: HashMap<String, Process>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    #[serde(rename = "spanID")]
    id: String,
    operation_name: String,
    #[serde(default)]
    references: Vec<Reference>,
    start_time: u64,
    duration: u64,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(rename = "processID")]
    process: String,
}

#[derive(Debug, Deserialize)]
struct Reference {
    #[serde(rename = "spanID")]
    span: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    service_name: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    value: Json,
}

impl Found {
    /// Its spans as this program keeps them; what has no proper ids is left out.
    fn records(self) -> Vec<SpanRecord> {
        let trace_id = bytes(&self.trace_id).unwrap_or_default();
        let processes = self.processes;
        let record = |span: Span| {
            let process = processes.get(&span.process);
            span.record(trace_id, process)
        };
        self.spans.into_iter().filter_map(record).collect()
    }
}

impl Span {
    fn record(self, trace_id: [u8; 16], process: Option<&Process>) -> Option<SpanRecord> {
        let service = process.map(|process| process.service_name.as_str()).unwrap_or_default();
        let node = process
            .and_then(|process| process.tags.iter().find(|tag| tag.key == "service.instance.id"))
            .and_then(|tag| tag.value.as_str());
        let start = SystemTime::UNIX_EPOCH + Duration::from_micros(self.start_time);
        let failed =
            self.tags.iter().any(|tag| tag.key == "error" && tag.value == Json::Bool(true));
        let why = self.tags.iter().find(|tag| tag.key == "otel.status_description");
        let why = why.and_then(|tag| tag.value.as_str()).unwrap_or_default().to_owned();
        let attributes: BTreeMap<String, Value> =
            self.tags.into_iter().filter_map(|tag| Some((tag.key, value(tag.value)?))).collect();
        Some(SpanRecord {
            name: self.operation_name,
            role: service.trim_start_matches("mixbed-").to_owned(),
            node: node.unwrap_or_default().to_owned(),
            trace_id,
            span_id: bytes(&self.id)?,
            parent: self.references.first().and_then(|reference| bytes(&reference.span)),
            start,
            end: start + Duration::from_micros(self.duration),
            attributes,
            events: Vec::new(),
            status: if failed { Status::Error(why) } else { Status::Ok },
        })
    }
}

/// An id of this length; Jaeger leaves out leading zeros.
fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(format!("{digits:0>width$}", width = 2 * N), &mut bytes).ok()?;
    Some(bytes)
}

fn value(json: Json) -> Option<Value> {
    serde_json::from_value(json).ok()
}

fn micros(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros()
}

/// For a query.
fn url_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jaegers_answer_becomes_spans() {
        let answer: Answer = serde_json::from_value(serde_json::json!({ "data": [{
            "traceID": "00000000000000010000000000000002",
            "spans": [{
                "spanID": "0a", "operationName": "hop net-mix-1-0", "startTime": 1_000_000_u64,
                "duration": 250_u64, "processID": "p1",
                "references": [{ "refType": "CHILD_OF", "traceID": "1", "spanID": "000000000000000b" }],
                "tags": [
                    { "key": "mixbed.node", "type": "string", "value": "net-mix-1-0" },
                    { "key": "mixbed.unwrap_us", "type": "int64", "value": 120 },
                ],
            }],
            "processes": { "p1": { "serviceName": "mixbed-mix", "tags": [
                { "key": "service.instance.id", "type": "string", "value": "net-mix-1-0" },
            ] } },
        }] }))
        .unwrap();
        let spans = answer.data.into_iter().next().unwrap().records();
        assert_eq!(spans.len(), 1);
        let span = &spans[0];
        assert_eq!((span.role.as_str(), span.node.as_str()), ("mix", "net-mix-1-0"));
        assert_eq!(span.span_id, [0, 0, 0, 0, 0, 0, 0, 10]);
        assert_eq!(span.parent, Some([0, 0, 0, 0, 0, 0, 0, 11]));
        assert_eq!(span.duration(), Duration::from_micros(250));
        assert_eq!(span.attributes["mixbed.unwrap_us"].as_int(), Some(120));
    }
}
