//! The `ConfigMap` and the `Secret`, with an API server in memory that keeps versions as the real one
//! does.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::http::{Method, Request, Response};
use kube::client::Body;
use mixbed_operator::api::Report;
use serde_json::{Value, json};

use super::*;
use crate::core::Unresolved;

const REPORT: &str = "/api/v1/namespaces/net/configmaps/first-report";
const RUN: &str = "/api/v1/namespaces/net/secrets/first-run";

/// Two objects, or fewer.
#[derive(Debug, Default)]
struct Server {
    objects: BTreeMap<String, Value>,
    version: u64,
    /// The next answer is lost.
    deaf: bool,
    /// Writes to this path fail.
    broken: Option<&'static str>,
}

type Shared = Arc<Mutex<Server>>;

impl Server {
    fn store(&mut self, path: &str, mut object: Value) -> (u16, Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(path.to_owned(), object.clone());
        (200, object)
    }

    fn answer(&mut self, method: &Method, path: &str, body: &Value) -> (u16, Value) {
        let refuse = |code: u16| {
            (code, json!({ "kind": "Status", "status": "Failure", "code": code, "message": "no" }))
        };
        let Some(mut object) = self.objects.get(path).cloned() else { return refuse(404) };
        if method == Method::GET {
            return (200, object);
        }
        assert_eq!(method, Method::PATCH);
        if self.broken == Some(path) {
            return refuse(500);
        }
        if object["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"] {
            return refuse(409);
        }
        for (key, value) in body["data"].as_object().into_iter().flatten() {
            object["data"][key] = value.clone();
        }
        for (key, value) in body["stringData"].as_object().into_iter().flatten() {
            let bytes = k8s_openapi::ByteString(value.as_str().expect("a text").into());
            object["data"][key] = serde_json::to_value(bytes).expect("JSON");
        }
        let answer = self.store(path, object);
        if std::mem::take(&mut self.deaf) { refuse(500) } else { answer }
    }

    /// As the operator does.
    fn annotate(&mut self, key: &str) {
        let mut map = self.objects[REPORT].clone();
        map["metadata"]["annotations"][key] = json!("true");
        self.store(REPORT, map);
    }
}

fn empty(path: &str) -> Value {
    json!({ "metadata": { "name": path.rsplit('/').next() } })
}

fn server() -> Shared {
    let mut server = Server::default();
    server.store(REPORT, empty(REPORT));
    server.store(RUN, empty(RUN));
    Arc::new(Mutex::new(server))
}

fn store(server: &Shared) -> ClusterStore {
    let server = Arc::clone(server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await.expect("a body");
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let mut server = server.lock().expect("a lock");
            let (code, body) = server.answer(&parts.method, parts.uri.path(), &body);
            let body = Body::from(serde_json::to_vec(&body).expect("JSON"));
            Ok::<_, Infallible>(Response::builder().status(code).body(body).expect("an answer"))
        }
    });
    ClusterStore::new(Client::new(service, "net"), "first-report", "first-run")
}

fn saved(wanted: u32) -> Saved {
    let one = Unresolved { number: 1, ordered_ms: None, hex: "00".to_owned() };
    Saved { report: Report { wanted, ..Report::default() }, unresolved: vec![one] }
}

fn is_away(result: &Result<(), StoreError>) {
    assert!(matches!(result, Err(StoreError::Away { .. })), "{result:?}");
}

#[tokio::test]
async fn what_is_written_is_read_by_the_next_pod_and_the_one_before_stops() {
    let server = server();
    let mut first = store(&server);
    assert_eq!(first.open().await.expect("empty"), None);
    first.save(&saved(1)).await.expect("written");
    first.save(&saved(2)).await.expect("written again");
    let mut second = store(&server);
    assert_eq!(second.open().await.expect("read"), Some(saved(2)));
    let late = first.save(&saved(3)).await;
    assert!(matches!(late, Err(StoreError::Taken { .. })), "{late:?}");
    second.save(&saved(4)).await.expect("written");
    assert_eq!(store(&server).open().await.expect("read"), Some(saved(4)));
}

#[tokio::test]
async fn a_change_by_the_operator_is_no_other_pod() {
    let server = server();
    let mut store = store(&server);
    store.open().await.expect("empty");
    assert!(!store.is_cancelled().await.expect("read"));
    server.lock().expect("a lock").annotate(CANCELLED_ANNOTATION);
    is_away(&store.save(&saved(1)).await);
    store.save(&saved(1)).await.expect("written at the next try");
    assert!(store.is_cancelled().await.expect("read"));
}

#[tokio::test]
async fn a_lost_answer_and_an_object_that_was_removed_are_got_over() {
    let server = server();
    let mut store = store(&server);
    store.open().await.expect("empty");
    server.lock().expect("a lock").deaf = true;
    is_away(&store.save(&saved(1)).await);
    is_away(&store.save(&saved(2)).await);
    store.save(&saved(2)).await.expect("written");

    for path in [REPORT, RUN] {
        server.lock().expect("a lock").objects.remove(path);
        is_away(&store.save(&saved(3)).await);
        server.lock().expect("a lock").store(path, empty(path));
        is_away(&store.save(&saved(3)).await);
        store.save(&saved(3)).await.expect("written");
    }
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    let server = server();
    {
        let mut server = server.lock().expect("a lock");
        let mut run = server.objects[RUN].clone();
        run["data"][REPORT_KEY] =
            serde_json::to_value(k8s_openapi::ByteString(b"{".to_vec())).expect("JSON");
        server.store(RUN, run);
    }
    let refused = store(&server).open().await;
    let Err(StoreError::Refused { why, .. }) = refused else { panic!("{refused:?}") };
    assert!(why.contains(REPORT_KEY), "{why}");
}

/// Whoever may look at the namespace sees how far a run is, and no bytes of a transaction that was not
/// sent yet.
#[tokio::test]
async fn what_was_not_sent_yet_is_in_the_secret_only() {
    let server = server();
    let mut store = store(&server);
    store.open().await.expect("empty");
    let mut saved = saved(1);
    "c0ffee".clone_into(&mut saved.unresolved[0].hex);
    store.save(&saved).await.expect("written");
    let server = server.lock().expect("a lock");
    let report = server.objects[REPORT].to_string();
    assert!(report.contains("wanted") && !report.contains("c0ffee"), "{report}");
    let run: Secret = serde_json::from_value(server.objects[RUN].clone()).expect("a Secret");
    assert!(run.text(UNRESOLVED_KEY).expect("a text").contains("c0ffee"));
}

/// A pod that was killed between its two writes has written the one that counts; and one that could
/// write only the other has written nothing.
#[tokio::test]
async fn half_a_write_is_a_whole_one_or_none() {
    let server = server();
    let mut first = store(&server);
    first.open().await.expect("empty");
    first.save(&saved(1)).await.expect("written");
    server.lock().expect("a lock").broken = Some(REPORT);
    is_away(&first.save(&saved(2)).await);
    server.lock().expect("a lock").broken = None;
    assert_eq!(store(&server).open().await.expect("read"), Some(saved(2)));

    let server = self::server();
    let mut first = store(&server);
    first.open().await.expect("empty");
    first.save(&saved(1)).await.expect("written");
    server.lock().expect("a lock").broken = Some(RUN);
    is_away(&first.save(&saved(2)).await);
    server.lock().expect("a lock").broken = None;
    let report = server.lock().expect("a lock").objects[REPORT].to_string();
    assert!(report.contains("\\\"wanted\\\":1"), "the report shows what is written: {report}");
    assert_eq!(store(&server).open().await.expect("read"), Some(saved(1)));
}
