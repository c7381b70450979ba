//! Against an API server in memory that keeps objects by their paths.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::api::{Broadcast, Mixnet, MixnetSpec};
use crate::child::Child;
use crate::controller::facts::ObjectKey;

/// What is there, and what was asked.
#[derive(Default)]
struct Server {
    objects: BTreeMap<String, Value>,
    calls: Vec<(Method, String)>,
    /// Once this path was asked for, that object is there instead: somebody was quick.
    trap: Option<(String, String, Value)>,
}

type Shared = Arc<Mutex<Server>>;

impl Server {
    fn answer(&mut self, method: &Method, path: &str, body: Value) -> (u16, Value) {
        self.calls.push((method.clone(), path.to_owned()));
        let answer = match *method {
            Method::GET => self.objects.get(path).cloned().map(|object| (200, object)),
            Method::DELETE => self.objects.remove(path).map(|object| (200, object)),
            Method::POST => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                Some((201, self.keep(format!("{path}/{name}"), body)))
            }
            _ => Some((200, self.keep(path.to_owned(), body))),
        };
        if let Some((_, place, object)) = self.trap.take_if(|(after, ..)| after == path) {
            self.objects.insert(place, object);
        }
        let missing = json!({
            "kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "",
        });
        answer.unwrap_or((404, missing))
    }

    fn keep(&mut self, path: String, mut object: Value) -> Value {
        object["metadata"]["resourceVersion"] = self.calls.len().to_string().into();
        object["metadata"]["uid"] = format!("uid-of-{path}").into();
        self.objects.insert(path, object.clone());
        object
    }

    /// What was written of this kind.
    fn writes(&self, kind: &str) -> usize {
        let of_kind = |path: &str| path.split('/').any(|part| part == kind);
        self.calls.iter().filter(|(method, path)| *method != Method::GET && of_kind(path)).count()
    }
}

fn engine(server: &Shared) -> Engine {
    let server = Arc::clone(server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await.expect("a body");
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let answer =
                server.lock().expect("a lock").answer(&parts.method, parts.uri.path(), body);
            let body = Body::from(serde_json::to_vec(&answer.1).expect("JSON"));
            Ok::<_, Infallible>(Response::builder().status(answer.0).body(body).expect("an answer"))
        }
    });
    Engine::new(Client::new(service, "space"))
}

/// Somebody else's object of this name.
fn foreign(name: &str) -> Value {
    json!({ "metadata": { "name": name, "namespace": "space", "uid": "theirs" } })
}

fn path_of(child: &Child) -> String {
    let resource = &child.resource;
    let root = match resource.group.as_str() {
        "" => format!("/api/{}", resource.version),
        group => format!("/apis/{group}/{}", resource.version),
    };
    format!("{root}/namespaces/space/{}/{}", resource.plural, child.name())
}

fn key_of(child: &Child) -> ObjectKey {
    ObjectKey {
        kind: child.kind().to_owned(),
        namespace: "space".to_owned(),
        name: child.name().to_owned(),
    }
}

fn ours(kind: &'static str, name: &str) -> Ours {
    Ours { kind, namespace: "space".to_owned(), name: name.to_owned(), uid: "4-5-6".to_owned() }
}

/// All objects of a Broadcast.
fn broadcast(name: &str) -> (Ours, Vec<Child>) {
    let spec = json!({ "mixnet": "demo", "transactions": 1 });
    let mut broadcast = Broadcast::new(name, serde_json::from_value(spec).expect("a spec"));
    broadcast.metadata.namespace = Some("space".to_owned());
    broadcast.metadata.uid = Some("4-5-6".to_owned());
    let children = crate::broadcast::tests::built(&broadcast);
    (ours("Broadcast", name), children)
}

/// All objects of a Mixnet.
fn mixnet(name: &str) -> (Ours, Vec<Child>) {
    let mut mixnet = Mixnet::new(name, MixnetSpec::default());
    mixnet.metadata.namespace = Some("space".to_owned());
    mixnet.metadata.uid = Some("4-5-6".to_owned());
    let defaults = crate::broadcast::tests::defaults();
    let valid = crate::mixnet::validate(&mixnet, &defaults).expect("valid");
    let secrets = crate::mixnet::NetworkSecrets::complete(&valid, [], &mut rand::rng());
    let children = crate::mixnet::build::build(&valid, &secrets.expect("good"));
    (ours("Mixnet", name), children)
}

fn is_relied_upon(child: &Child) -> bool {
    ["ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Secret"].contains(&child.kind())
}

const WORKLOADS: [&str; 3] = ["statefulsets", "deployments", "jobs"];

/// Whatever it is that a pod relies on: while it is somebody else's, there is no pod, and no rights
/// are granted to it or over it.
#[tokio::test]
async fn no_workload_is_made_while_what_it_relies_on_is_somebody_elses() {
    let mut tried = 0;
    for (ours, children) in [broadcast("first"), mixnet("demo")] {
        for relied in children.iter().filter(|child| is_relied_upon(child)) {
            let server = Shared::default();
            let place = path_of(relied);
            server.lock().expect("a lock").objects.insert(place.clone(), foreign(relied.name()));
            let prepared = Prepared::new(children.clone());
            let applied = engine(&server).apply(&ours, prepared, &[]).await;
            let (what, server) = (format!("{relied:?}"), server.lock().expect("a lock"));
            let refused: Vec<_> = applied.refusals.iter().map(|refusal| &refusal.key).collect();
            let key = key_of(relied);
            assert_eq!(refused, [&key], "{what}");
            for kind in WORKLOADS {
                assert_eq!(server.writes(kind), 0, "{kind} beside a foreign {what}");
            }
            assert_eq!(server.objects[&place], foreign(relied.name()), "it is left alone");
            if ["ServiceAccount", "ConfigMap", "Secret"].contains(&relied.kind()) {
                assert_eq!(server.writes("rolebindings"), 0, "nothing is granted: {what}");
            }
            tried += 1;
        }
    }
    assert_eq!(tried, 5 + 12, "of a Broadcast, and of a Mixnet");
}

/// Somebody replaces an object after it was made, and before the pod is: the watches have not told
/// of it, and no pod is made.
#[tokio::test]
async fn what_a_pod_relies_on_is_looked_at_again_just_before_it_is_made() {
    for (ours, children) in [broadcast("first"), mixnet("demo")] {
        let last = children.iter().rfind(|child| !WORKLOADS.contains(&&*child.resource.plural));
        let last = path_of(last.expect("something comes before workloads"));
        let account = children.iter().find(|child| child.kind() == "ServiceAccount");
        let account = account.expect("an account");
        let server = Shared::default();
        server.lock().expect("a lock").trap =
            Some((last, path_of(account), foreign(account.name())));
        let engine = engine(&server);
        let applied = engine.apply(&ours, Prepared::new(children.clone()), &[]).await;
        assert_eq!(applied.refusals.len(), 1, "{applied:?}");
        assert_eq!(applied.refusals[0].key.kind, "ServiceAccount");
        for kind in WORKLOADS {
            assert_eq!(server.lock().expect("a lock").writes(kind), 0, "{kind}");
        }

        // Once theirs is away, all of it is made.
        server.lock().expect("a lock").objects.remove(&path_of(account));
        engine.forget(&key_of(account));
        let applied = engine.apply(&ours, Prepared::new(children), &[]).await;
        assert!(applied.is_whole(), "{applied:?}");
        let made: usize =
            WORKLOADS.iter().map(|kind| server.lock().expect("a lock").writes(kind)).sum();
        assert_eq!(made, if ours.kind == "Broadcast" { 1 } else { 7 });
    }
}

/// What is as it should be costs no call, the look at what pods rely on included.
#[tokio::test]
async fn what_was_made_is_not_looked_at_again() {
    for (ours, children) in [broadcast("first"), mixnet("demo")] {
        let server = Shared::default();
        let engine = engine(&server);
        let applied = engine.apply(&ours, Prepared::new(children.clone()), &[]).await;
        assert!(applied.is_whole(), "{applied:?}");
        let calls = server.lock().expect("a lock").calls.len();
        let applied = engine.apply(&ours, Prepared::new(children), &[]).await;
        assert_eq!(applied, Applied::default());
        assert_eq!(server.lock().expect("a lock").calls.len(), calls);
    }
}

/// Keys that an earlier operator kept elsewhere go only when all that uses the new ones is there.
#[tokio::test]
async fn nothing_is_pruned_while_something_is_refused() {
    let (ours, children) = mixnet("demo");
    let old = Cached {
        key: ObjectKey {
            kind: "Secret".to_owned(),
            namespace: "space".to_owned(),
            name: "demo-network".to_owned(),
        },
        uid: "u".to_owned(),
        resource_version: "1".to_owned(),
        fingerprint: None,
        mixnet: Some("demo".to_owned()),
        broadcast: None,
        controller: Some(Controller {
            kind: "Mixnet".to_owned(),
            name: "demo".to_owned(),
            uid: ours.uid.clone(),
        }),
        deleting: false,
        facts: crate::controller::facts::Facts::Nothing,
    };
    let observed = [Arc::new(old)];
    let service = children.iter().find(|child| child.kind() == "Service").expect("a Service");
    let server = Shared::default();
    let place = path_of(service);
    server.lock().expect("a lock").objects.insert(place.clone(), foreign(service.name()));
    let engine = engine(&server);
    let deleted = |server: &Shared| {
        let server = server.lock().expect("a lock");
        server.calls.iter().filter(|(method, _)| *method == Method::DELETE).count()
    };
    engine.apply_and_prune(&ours, Prepared::new(children.clone()), &observed).await;
    assert_eq!(deleted(&server), 0);
    server.lock().expect("a lock").objects.remove(&place);
    engine.apply_and_prune(&ours, Prepared::new(children), &observed).await;
    assert_eq!(deleted(&server), 1);
}
