//! The Secret, with an API server in memory that keeps versions as the real one does.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use axum::http::{Method, Request, Response};
use k8s_openapi::ByteString;
use kube::client::Body;
use mixbed_directory::authority::{Core, CoreConfig};
use mixbed_directory::{
    Admission, Descriptor, IdentitySecret, JoinSecret, Parameters, Registration, Role, SphinxKey,
};
use mixbed_wire::{LinkPublic, SphinxPublic};
use serde_json::{Value, json};

use super::*;

/// One Secret, and what the server does instead of its work.
#[derive(Debug, Default)]
struct Server {
    secret: Option<Value>,
    version: u64,
    /// May a directory make the Secret?
    creates: bool,
    /// What comes of the next calls; then all is well.
    next: VecDeque<Fault>,
    calls: Vec<Method>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It answers this, and does nothing.
    Status(u16),
    /// It does it, and the answer is lost.
    Lost,
    /// It says nothing at all, for ever.
    Silent,
}

type Shared = Arc<Mutex<Server>>;

impl Server {
    fn stored(&mut self, mut secret: Value) -> (u16, Value) {
        self.version += 1;
        secret["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.secret = Some(secret.clone());
        (200, secret)
    }

    fn answer(&mut self, method: &Method, body: &Value) -> (u16, Value) {
        match (method.as_str(), self.secret.clone()) {
            ("GET", Some(secret)) => (200, secret),
            ("GET" | "PATCH", None) => status(404),
            ("PATCH", Some(mut secret)) => {
                let expected = &body["metadata"]["resourceVersion"];
                assert!(expected.is_string(), "a write that does not say what it replaces");
                if secret["metadata"]["resourceVersion"] != *expected {
                    return status(409);
                }
                for (key, value) in body["data"].as_object().unwrap() {
                    secret["data"][key] = value.clone();
                }
                self.stored(secret)
            }
            ("POST", _) if !self.creates => status(403),
            ("POST", Some(_)) => status(409),
            ("POST", None) => self.stored(body.clone()),
            other => panic!("{other:?}"),
        }
    }
}

fn status(code: u16) -> (u16, Value) {
    let message = format!("the server says {code}");
    (code, json!({ "kind": "Status", "status": "Failure", "code": code, "message": message }))
}

fn client(server: &Shared) -> Client {
    let server = Arc::clone(server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            let (parts, body) = request.into_parts();
            let path = parts.uri.path();
            let all = "/api/v1/namespaces/net/secrets";
            assert!(path == all || path == format!("{all}/demo-directory-state"), "{path}");
            let body = body.collect_bytes().await.unwrap();
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let (fault, answer) = {
                let mut server = server.lock().unwrap();
                server.calls.push(parts.method.clone());
                let fault = server.next.pop_front();
                let answer = match fault {
                    Some(Fault::Status(code)) => status(code),
                    Some(Fault::Silent) => status(500),
                    Some(Fault::Lost) | None => server.answer(&parts.method, &body),
                };
                (fault, answer)
            };
            if let Some(Fault::Lost | Fault::Silent) = fault {
                std::future::pending::<()>().await;
            }
            let (code, body) = answer;
            let body = Body::from(serde_json::to_vec(&body).unwrap());
            Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
        }
    });
    Client::new(service, "net")
}

fn empty() -> Shared {
    let mut server = Server::default();
    let labels = json!({ "app.kubernetes.io/instance": "demo" });
    server.stored(json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "demo-directory-state", "labels": labels },
    }));
    Arc::new(Mutex::new(server))
}

fn state(server: &Shared) -> SecretState {
    SecretState::new(client(server), "demo-directory-state", CancellationToken::new())
}

fn core(now: SystemTime) -> Core {
    let config = CoreConfig {
        network: "demo".to_owned(),
        join_secrets: vec![join_secret()],
        admission: Admission::Open,
        admins: Vec::new(),
        parameters: Parameters::default(),
        lease: Duration::from_secs(60),
    };
    Core::new(config, IdentitySecret::from_bytes([7; 32]), now)
}

fn join_secret() -> JoinSecret {
    JoinSecret::new("the secret of all these tests").unwrap()
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn snapshot(revisions: u32) -> Snapshot {
    let (mut now, mut core) = (start(), core(start()));
    for _ in 0..revisions {
        core.poll(now).unwrap();
        now += Duration::from_secs(600);
    }
    core.snapshot()
}

async fn started(server: &Shared) -> SecretState {
    let state = state(server);
    state.load().await.unwrap();
    state.claim().await.unwrap();
    state
}

async fn failed(state: &SecretState, revision: u32) -> String {
    match state.save(&snapshot(revision)).await {
        Err(StateError::Failed(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn calls(server: &Shared) -> Vec<String> {
    let calls = std::mem::take(&mut server.lock().unwrap().calls);
    calls.iter().map(Method::to_string).collect()
}

#[tokio::test]
async fn what_was_saved_is_loaded_and_a_save_is_one_call() {
    let server = empty();
    let state = started(&server).await;
    assert_eq!(calls(&server), ["GET", "PATCH"]);
    for revision in 1..=3 {
        state.save(&snapshot(revision)).await.unwrap();
    }
    assert_eq!(calls(&server), ["PATCH", "PATCH", "PATCH"]);
    let next = self::state(&server);
    let loaded = next.load().await.unwrap().unwrap();
    assert_eq!(loaded.to_bytes(), snapshot(3).to_bytes());
    let secret = server.lock().unwrap().secret.clone().unwrap();
    assert_eq!(secret["metadata"]["labels"]["app.kubernetes.io/instance"], "demo", "left alone");
    assert_eq!(next.place(), "the Secret net/demo-directory-state");
}

#[tokio::test]
async fn of_two_directories_the_one_before_stops() {
    let server = empty();
    let first = started(&server).await;
    first.save(&snapshot(1)).await.unwrap();
    let second = started(&server).await;
    let Err(StateError::Taken(why)) = first.save(&snapshot(2)).await else {
        panic!("both write");
    };
    assert!(why.contains("another directory writes the Secret net/demo-directory-state"), "{why}");
    second.save(&snapshot(2)).await.unwrap();
    // One that starts at the same moment: its claim loses, or takes over.
    let (third, fourth) = (self::state(&server), self::state(&server));
    third.load().await.unwrap();
    fourth.load().await.unwrap();
    third.claim().await.unwrap();
    assert!(matches!(fourth.claim().await, Err(StateError::Taken(_))));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_not_anothers() {
    let server = empty();
    let state = started(&server).await;
    server.lock().unwrap().next.push_back(Fault::Lost);
    state.save(&snapshot(1)).await.unwrap();
    state.save(&snapshot(2)).await.unwrap();
    let loaded = self::state(&server).load().await.unwrap().unwrap();
    assert_eq!(loaded.revision, 2);
}

#[tokio::test]
async fn labels_that_somebody_sets_are_no_conflict() {
    let server = empty();
    let state = started(&server).await;
    {
        let mut server = server.lock().unwrap();
        let mut secret = server.secret.clone().unwrap();
        secret["metadata"]["labels"]["by"] = json!("hand");
        server.stored(secret);
    }
    state.save(&snapshot(1)).await.unwrap();
    let secret = server.lock().unwrap().secret.clone().unwrap();
    assert_eq!(secret["metadata"]["labels"]["by"], "hand");
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_is_tried_for_a_while_and_then_said() {
    let server = empty();
    let state = started(&server).await;
    let away = [Fault::Status(503), Fault::Status(429), Fault::Status(500)];
    server.lock().unwrap().next.extend(away);
    state.save(&snapshot(1)).await.unwrap();

    server.lock().unwrap().next.extend([Fault::Status(503); 100]);
    let began = Instant::now();
    let why = failed(&state, 2).await;
    assert!(began.elapsed() <= SAVE, "{:?}", began.elapsed());
    assert!(why.contains("503") && why.contains("net/demo-directory-state"), "{why}");
    server.lock().unwrap().next = [Fault::Silent; 100].into();
    let why = failed(&state, 2).await;
    assert!(why.contains("no answer in 3s"), "{why}");
    server.lock().unwrap().next.clear();
    state.save(&snapshot(2)).await.unwrap();

    server.lock().unwrap().next.extend([Fault::Status(503); 20]);
    let loaded = self::state(&server).load().await.unwrap().unwrap();
    assert_eq!(loaded.revision, 2, "at the start it waits longer");
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_stops_waits_for_nothing() {
    let server = empty();
    let stop = CancellationToken::new();
    let state = SecretState::new(client(&server), "demo-directory-state", stop.clone());
    state.load().await.unwrap();
    server.lock().unwrap().next.extend([Fault::Silent; 100]);
    stop.cancel();
    let began = Instant::now();
    failed(&state, 1).await;
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_an_account_may_not_do_is_said_at_once() {
    let server = empty();
    let state = started(&server).await;
    server.lock().unwrap().next.push_back(Fault::Status(403));
    let why = failed(&state, 1).await;
    assert!(why.contains("the server says 403") && why.contains("get and patch"), "{why}");
    server.lock().unwrap().next.push_back(Fault::Status(422));
    assert!(failed(&state, 1).await.contains("422"));
}

#[tokio::test]
async fn a_secret_that_is_missing_is_made_or_asked_for() {
    let server = Shared::default();
    let state = self::state(&server);
    assert!(state.load().await.unwrap().is_none());
    let Err(StateError::Failed(why)) = state.claim().await else { panic!("made by nobody") };
    let command = "kubectl --namespace net create secret generic demo-directory-state";
    assert!(why.contains(command), "{why}");
    server.lock().unwrap().creates = true;
    state.claim().await.unwrap();
    state.save(&snapshot(1)).await.unwrap();

    // Deleted under it: it is made again, with what it said.
    server.lock().unwrap().secret = None;
    state.save(&snapshot(2)).await.unwrap();
    // Deleted, and made again empty by the operator.
    {
        let mut server = server.lock().unwrap();
        server.creates = false;
        server.secret = None;
    }
    assert!(failed(&state, 3).await.contains(command));
    server.lock().unwrap().stored(json!({ "metadata": { "name": "demo-directory-state" } }));
    server.lock().unwrap().creates = true;
    state.save(&snapshot(3)).await.unwrap();
    assert_eq!(self::state(&server).load().await.unwrap().unwrap().revision, 3);
}

#[tokio::test]
async fn what_is_no_state_is_refused_and_left_alone() {
    let server = empty();
    started(&server).await.save(&snapshot(1)).await.unwrap();
    let good = server.lock().unwrap().secret.clone().unwrap();
    for bad in [b"something else".to_vec(), vec![0; 901 << 10]] {
        let mut secret = good.clone();
        secret["data"]["state"] = serde_json::to_value(ByteString(bad)).unwrap();
        server.lock().unwrap().stored(secret);
        calls(&server);
        let Err(StateError::Failed(why)) = self::state(&server).load().await else {
            panic!("loaded");
        };
        assert!(why.contains("net/demo-directory-state"), "{why}");
        assert_eq!(calls(&server), ["GET"]);
    }
}

#[test]
fn a_network_too_large_for_a_secret_is_said_to_be() {
    let mut snapshot = snapshot(1);
    let issued = snapshot.documents[0].clone();
    while snapshot.to_bytes().len() <= 900 << 10 {
        snapshot.documents.extend(std::iter::repeat_n(issued.clone(), 500));
    }
    let error = value::bytes(&snapshot).unwrap_err().to_string();
    assert!(error.contains("a Secret holds 900 KiB") && error.contains("--state-dir"), "{error}");
}

/// The bytes of a network of so many usual nodes, after so many epochs that it is as large as it
/// gets.
fn size(nodes: u8) -> usize {
    let mut core = core(start());
    for node in 0..nodes {
        let identity = IdentitySecret::from_bytes([node; 32]);
        let descriptor = Descriptor {
            name: format!("demo-provider-{node}"),
            identity: identity.public(),
            role: Role::Provider,
            link_key: LinkPublic::from_bytes([node; 32]),
            address: format!("10.244.103.{node}:7200"),
            sphinx_keys: (1..=4)
                .map(|epoch| SphinxKey { epoch, key: SphinxPublic::from_bytes([node; 32]) })
                .collect(),
            services: vec!["echo".to_owned(), "monero".to_owned()],
            version: "0.1.0".to_owned(),
        };
        let message =
            Registration::new(descriptor, "demo", start(), &identity, Some(&join_secret()));
        core.handle_register(&message, start()).unwrap();
    }
    for epoch in 0..6 {
        core.handle_jump(start() + epoch * Duration::from_secs(600));
        core.poll(start() + epoch * Duration::from_secs(600)).unwrap();
    }
    value::bytes(&core.snapshot()).unwrap().0.len()
}

#[test]
fn what_the_page_says_of_sizes_is_so() {
    let (ten, hundred) = (size(10), size(100));
    assert!((10 << 10..20 << 10).contains(&ten), "{ten}");
    let node = (hundred - ten) / 90;
    assert!((500..650).contains(&((900 << 10) / node)), "{node} bytes a node");
}

#[test]
fn names_of_secrets() {
    for good in ["a", "demo-directory-state", "a.b-c.0"] {
        assert!(value::is_name(good), "{good}");
    }
    let long = "a".repeat(254);
    for bad in ["", "A", "-a", "a-", "a..b", "../x", "a/b", "a_b", &long] {
        assert!(!value::is_name(bad), "{bad}");
    }
}
