//! The endpoints as a scraper and a kubelet see them.

use std::net::SocketAddr;

use mixbed_guard::Guard;
use mixbed_telemetry::{
    Health, NodeMetrics, Step, Telemetry, bind_http, probes, serve_http, serve_router,
};
use tokio::sync::oneshot;

fn client() -> reqwest::Client {
    // reqwest wants to know of TLS where another crate has switched that on.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn health_readiness_and_metrics() {
    let telemetry = Telemetry::disabled();
    let metrics = NodeMetrics::new(&telemetry, "mix-1-0", "mix", &["replayed"]);
    let health = Health::new();
    let listener = bind_http(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve_http(listener, telemetry, health.clone(), Step::LIVE, async {
        let _ = stopped.await;
    }));
    let client = client();
    let get = async |path: &str| {
        let answer = client.get(format!("{base}{path}")).send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), kind, answer.text().await.unwrap())
    };

    assert_eq!(get("/healthz").await.0, 200);
    let (status, _, reasons) = get("/readyz").await;
    assert_eq!((status, reasons.as_str()), (503, "starting\n"));

    let directory = health.condition("directory");
    health.set_not_ready("no keys yet".to_owned());
    let (status, _, reasons) = get("/readyz").await;
    assert_eq!((status, reasons.as_str()), (503, "no keys yet\ndirectory: not met yet\n"));

    directory.met();
    health.set_ready(true);
    assert_eq!(get("/readyz").await.0, 200);
    directory.unmet("gone");
    assert_eq!(get("/readyz").await.0, 503);
    assert_eq!(get("/healthz").await.0, 200);

    metrics.packets_received.inc_by(3);
    metrics.dropped(0);
    let (status, kind, text) = get("/metrics").await;
    assert_eq!(status, 200);
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let labels = r#"node="mix-1-0",role="mix""#;
    assert!(text.contains(&format!("mixbed_packets_received_total{{{labels}}} 3\n")), "{text}");
    let dropped = format!("mixbed_packets_dropped_total{{{labels},reason=\"replayed\"}} 1\n");
    assert!(text.contains(&dropped), "{text}");

    stop.send(()).unwrap();
    server.await.unwrap();
    assert!(client.get(format!("{base}/healthz")).send().await.is_err());
}

/// The listener that machines' kubelets ask tells whether a process is well: no metrics, and not why.
#[tokio::test]
async fn probes_tell_whether_a_process_is_well_and_nothing_else() {
    let health = Health::new();
    health.set_ready(true);
    let directory = health.condition("directory");
    directory.unmet("http://10.0.0.7:7100 is away");
    let listener = bind_http(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let listens = listener.local_addr().unwrap();
    let base = format!("http://{listens}");
    let serving = tokio::spawn(serve_router(
        listener,
        probes(health),
        Guard::new(listens),
        std::future::pending(),
    ));
    let client = client();
    let get = async |path: &str| {
        let answer = client.get(format!("{base}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(get("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(get("/readyz").await, (503, "not ready\n".to_owned()));
    directory.met();
    assert_eq!(get("/readyz").await, (200, "ready\n".to_owned()));
    assert_eq!(get("/metrics").await.0, 404);
    serving.abort();
}
