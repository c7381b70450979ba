//! What Jaeger has of a trace, by its own API.

use std::collections::HashMap;
use std::time::Duration;

use http::Request;
use mixbed_e2e::{Place, until_some};
use serde::Deserialize;
use serde_json::Value;

/// Spans are sent in batches, and each process has its own.
const ARRIVED: Duration = Duration::from_secs(30);

/// Longer: the one that gives up first tells what it saw.
const NEVER: Duration = Duration::from_secs(3600);

/// A trace.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Trace {
    pub(crate) spans: Vec<Span>,
    processes: HashMap<String, Process>,
}

/// A span.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span {
    #[serde(rename = "spanID")]
    pub(crate) id: String,
    #[serde(rename = "operationName")]
    pub(crate) name: String,
    references: Vec<Reference>,
    /// Microseconds since 1970.
    #[serde(rename = "startTime")]
    pub(crate) start: u64,
    /// Microseconds.
    pub(crate) duration: u64,
    tags: Vec<Tag>,
    #[serde(rename = "processID")]
    process: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Reference {
    #[serde(rename = "spanID")]
    span: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Process {
    tags: Vec<Tag>,
}

#[derive(Clone, Debug, Deserialize)]
struct Tag {
    key: String,
    value: Value,
}

impl Span {
    /// When it ended, in microseconds since 1970.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.duration
    }

    /// The span that it hangs under.
    pub(crate) fn parent(&self) -> Option<&str> {
        self.references.first().map(|reference| reference.span.as_str())
    }

    /// An attribute that is text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        value(&self.tags, key)?.as_str()
    }

    /// An attribute that is a number.
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        value(&self.tags, key)?.as_u64()
    }
}

impl Trace {
    /// The pod that recorded a span.
    pub(crate) fn pod(&self, span: &Span) -> &str {
        let tags = &self.processes[&span.process].tags;
        let pod = value(tags, "k8s.pod.name").and_then(Value::as_str);
        pod.unwrap_or_else(|| panic!("{} names no pod: {tags:?}", span.name))
    }
}

fn value<'a>(tags: &'a [Tag], key: &str) -> Option<&'a Value> {
    tags.iter().find(|tag| tag.key == key).map(|tag| &tag.value)
}

/// Waits until Jaeger has of a trace what is wanted.
pub(crate) async fn trace(place: &Place, id: &str, is_whole: impl Fn(&Trace) -> bool) -> Trace {
    // The whole trace in the message would be long: the names of its spans tell enough.
    let seen = std::sync::Mutex::new(Vec::new());
    let whole = until_some("a whole trace is in Jaeger", NEVER, || async {
        let trace = look_up(place, id).await?;
        *seen.lock().expect("no panic before") =
            trace.spans.iter().map(|span| span.name.clone()).collect();
        is_whole(&trace).then_some(trace)
    });
    let watched = tokio::time::timeout(ARRIVED, whole).await;
    watched.unwrap_or_else(|_| panic!("the trace {id} is not whole: {:?}", seen.lock()))
}

async fn look_up(place: &Place, id: &str) -> Option<Trace> {
    #[derive(Deserialize)]
    struct Answer {
        data: Vec<Trace>,
    }
    let path = format!(
        "/api/v1/namespaces/{}/services/mixbed-jaeger:16686/proxy/api/traces/{id}",
        place.namespace
    );
    let request = Request::get(path).body(Vec::new()).expect("a request");
    // 404 until the first span has arrived.
    let answer: Answer = place.cluster.client.request(request).await.ok()?;
    answer.data.into_iter().next()
}
