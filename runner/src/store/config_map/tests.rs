//! The `ConfigMap`, with an API server in memory that keeps versions as the real one does.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::http::{Method, Request, Response};
use kube::client::Body;
use mixbed_operator::api::Report;
use serde_json::{Value, json};

use super::*;
use crate::core::Unresolved;

/// One `ConfigMap`, or none.
#[derive(Debug, Default)]
struct Server {
    map: Option<Value>,
    version: u64,
    /// The next answer is lost.
    deaf: bool,
}

type Shared = Arc<Mutex<Server>>;

impl Server {
    fn store(&mut self, mut map: Value) -> (u16, Value) {
        self.version += 1;
        map["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.map = Some(map.clone());
        (200, map)
    }

    fn answer(&mut self, method: &Method, body: &Value) -> (u16, Value) {
        let refuse = |code: u16| {
            (code, json!({ "kind": "Status", "status": "Failure", "code": code, "message": "no" }))
        };
        let Some(mut map) = self.map.clone() else { return refuse(404) };
        if method == Method::GET {
            return (200, map);
        }
        assert_eq!(method, Method::PATCH);
        if map["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"] {
            return refuse(409);
        }
        for (key, value) in body["data"].as_object().expect("data") {
            map["data"][key] = value.clone();
        }
        let answer = self.store(map);
        if std::mem::take(&mut self.deaf) { refuse(500) } else { answer }
    }

    /// As the operator does.
    fn annotate(&mut self, key: &str) {
        let mut map = self.map.clone().expect("a map");
        map["metadata"]["annotations"][key] = json!("true");
        self.store(map);
    }
}

fn server() -> Shared {
    let mut server = Server::default();
    server.store(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "first-report" },
    }));
    Arc::new(Mutex::new(server))
}

fn store(server: &Shared) -> ConfigMapStore {
    let server = Arc::clone(server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            let (parts, body) = request.into_parts();
            assert_eq!(parts.uri.path(), "/api/v1/namespaces/net/configmaps/first-report");
            let body = body.collect_bytes().await.expect("a body");
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let (code, body) = server.lock().expect("a lock").answer(&parts.method, &body);
            let body = Body::from(serde_json::to_vec(&body).expect("JSON"));
            Ok::<_, Infallible>(Response::builder().status(code).body(body).expect("an answer"))
        }
    });
    ConfigMapStore::new(Client::new(service, "net"), "first-report")
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
async fn a_lost_answer_and_a_map_that_was_removed_are_got_over() {
    let server = server();
    let mut store = store(&server);
    store.open().await.expect("empty");
    server.lock().expect("a lock").deaf = true;
    is_away(&store.save(&saved(1)).await);
    is_away(&store.save(&saved(2)).await);
    store.save(&saved(2)).await.expect("written");

    server.lock().expect("a lock").map = None;
    is_away(&store.save(&saved(3)).await);
    let empty = json!({ "metadata": { "name": "first-report" } });
    server.lock().expect("a lock").store(empty);
    is_away(&store.save(&saved(3)).await);
    store.save(&saved(3)).await.expect("written");
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    let server = server();
    {
        let mut server = server.lock().expect("a lock");
        let mut map = server.map.clone().expect("a map");
        map["data"][REPORT_KEY] = json!("{");
        server.store(map);
    }
    let refused = store(&server).open().await;
    let Err(StoreError::Refused { why, .. }) = refused else { panic!("{refused:?}") };
    assert!(why.contains(REPORT_KEY), "{why}");
}
