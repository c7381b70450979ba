//! The test itself, against an API server in memory that plays the operator.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::http::{Request, Response};
use kube::client::Body;
use serde_json::Value;

use super::*;

/// What the server has, and what becomes of a Broadcast from one look to the next.
struct Server {
    mixnet: Value,
    looks: Vec<Value>,
    calls: Vec<String>,
    /// Bodies of what was written.
    written: Vec<Value>,
}

impl Server {
    fn answer(&mut self, call: &str, body: Value) -> (u16, Value) {
        self.calls.push(call.to_owned());
        let broadcasts = "/apis/mixbed.dev/v1alpha1/namespaces/here/broadcasts";
        match call.split_once(' ').expect("a method and a path") {
            ("GET", path) if path.ends_with("/mixnets/net") => (200, self.mixnet.clone()),
            ("PATCH", path) if path.ends_with("/pods/test") => {
                self.written.push(body);
                (200, json!({ "metadata": { "name": "test" } }))
            }
            ("POST", path) if path == broadcasts => {
                self.written.push(body.clone());
                (201, body)
            }
            ("GET", path) if path.starts_with(broadcasts) => {
                let mut broadcast = self.written.last().expect("it was made").clone();
                let now =
                    if self.looks.len() > 1 { self.looks.remove(0) } else { self.looks[0].clone() };
                broadcast["status"] = now;
                (200, broadcast)
            }
            ("DELETE", path) if path.starts_with(broadcasts) => {
                (200, json!({ "kind": "Status", "status": "Success", "metadata": {} }))
            }
            other => panic!("{other:?}"),
        }
    }
}

fn mixnet(ready: &str) -> Value {
    json!({
        "apiVersion": "mixbed.dev/v1alpha1", "kind": "Mixnet",
        "metadata": { "name": "net", "namespace": "here", "uid": "7", "generation": 2 },
        "spec": { "tracing": { "jaeger": "http://jaeger:16686/" } },
        "status": {
            "observedGeneration": 2,
            "message": "3 of 10 nodes are ready",
            "conditions": [{
                "type": "Ready", "status": ready, "reason": "R", "message": "m",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
        },
    })
}

fn status(phase: &str, message: &str, transaction: &Value) -> Value {
    json!({ "phase": phase, "message": message, "transactions": [transaction], "conditions": [] })
}

/// Runs the test; what came of it, and the server.
async fn tested(ready: &str, looks: Vec<Value>) -> (Result<(), Failure>, Arc<Mutex<Server>>) {
    let server = Server { mixnet: mixnet(ready), looks, calls: Vec::new(), written: Vec::new() };
    let server = Arc::new(Mutex::new(server));
    let answering = Arc::clone(&server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&answering);
        async move {
            let call = format!("{} {}", request.method(), request.uri().path());
            let body = request.into_body().collect_bytes().await.expect("a body");
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let (code, answer) = server.lock().expect("whole").answer(&call, body);
            let answer = Body::from(answer.to_string().into_bytes());
            Ok::<_, Infallible>(Response::builder().status(code).body(answer).expect("valid"))
        }
    });
    let timeout = Duration::from_millis(if ready == "True" { 60_000 } else { 0 });
    let test = Test {
        client: Client::new(service, "here"),
        namespace: "here".to_owned(),
        mixnet: "net".to_owned(),
        timeout,
        until: Instant::now() + timeout,
    };
    (test.run(Some("test")).await, server)
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_is_mined_leaves_nothing() {
    let mined = json!({ "number": 1, "txid": "ab", "state": "Mined", "height": 90 });
    let looks = vec![
        status(
            "Funding",
            "its wallet gets money",
            &json!({ "number": 1, "txid": "ab", "state": "Submitted" }),
        ),
        status("Succeeded", "all mined", &mined),
    ];
    let (outcome, server) = tested("True", looks).await;
    outcome.expect("it is mined");
    let server = server.lock().expect("whole");
    assert!(server.calls.last().expect("calls").starts_with("DELETE"), "{:?}", server.calls);
    // Pod and Broadcast go with the Mixnet.
    for written in &server.written {
        assert_eq!(written["metadata"]["ownerReferences"][0]["uid"], "7", "{written}");
    }
    let spec = &server.written[1]["spec"];
    assert_eq!((&spec["mixnet"], &spec["transactions"]), (&json!("net"), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_is_said_and_its_broadcast_stays() {
    let failed = json!({ "number": 1, "txid": "ab", "state": "Failed", "reason": "double spend" });
    let (outcome, server) = tested("True", vec![status("Failed", "1 of 1 failed", &failed)]).await;
    let Err(Failure::Failed(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("1 of 1 failed") && why.contains("kubectl --namespace here"), "{why}");
    let server = server.lock().expect("whole");
    assert!(!server.calls.iter().any(|call| call.starts_with("DELETE")), "{:?}", server.calls);
}

#[tokio::test(start_paused = true)]
async fn a_mixnet_that_does_not_get_ready_is_said() {
    let (outcome, _) = tested("False", Vec::new()).await;
    let Err(Failure::Failed(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("3 of 10 nodes are ready"), "{why}");
}

#[test]
fn the_story_has_all_that_is_known() {
    let mixnet: Mixnet = serde_json::from_value(mixnet("True")).expect("a Mixnet");
    let transaction = json!({
        "number": 1, "txid": "ab", "state": "Mined", "height": 90, "traceId": "cd",
        "latencyMs": 812, "provider": "net-provider-0",
    });
    let status = serde_json::from_value(status("Succeeded", "all mined", &transaction));
    let told = story::of(&mixnet, "net-test-1", &status.expect("a status"));
    assert_eq!(
        told,
        "Broadcast net-test-1: Succeeded, all mined\n\
         transaction  ab\n\
         accepted     by net-provider-0 after 812 ms\n\
         mined        in block 90\n\
         trace        http://jaeger:16686/trace/cd"
    );
}
