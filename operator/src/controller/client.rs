//! The client of the API server, with every call counted.

use std::time::Duration;

use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use mixbed_telemetry::OperatorMetrics;
use tower::util::MapRequestLayer;

/// How long the API server may take to connect, and to answer anything but a watch.
const CONNECT: Duration = Duration::from_secs(10);

/// A client whose calls are counted.
pub(crate) fn counted(mut config: Config, metrics: OperatorMetrics) -> kube::Result<Client> {
    config.connect_timeout = Some(CONNECT);
    let count = MapRequestLayer::new(move |request: http::Request<Body>| {
        let (verb, resource) = call(
            request.method().as_str(),
            request.uri().path(),
            request.uri().query().unwrap_or_default(),
        );
        metrics.api_call(verb, resource);
        request
    });
    Ok(ClientBuilder::try_from(config)?.with_layer(&count).build())
}

/// A call's verb, and the plural of what it is about, with `/status` and its like.
fn call<'a>(method: &str, path: &'a str, query: &str) -> (&'static str, &'a str) {
    // /api/v1/namespaces/N/services/NAME/status, /apis/GROUP/v1/mixnets
    let skipped = if path.starts_with("/apis/") { "/apis/g/v/" } else { "/api/v/" };
    let skip = skipped.matches('/').count();
    let after = |text: &'a str, count: usize| {
        text.match_indices('/').nth(count - 1).map_or("", |(at, _)| &text[at + 1..])
    };
    let mut rest = after(path, skip);
    if rest.starts_with("namespaces/") && rest.matches('/').count() > 1 {
        rest = after(rest, 2);
    }
    let resource = rest.split('/').next().unwrap_or_default();
    let named = rest.contains('/');
    let watches = query.split('&').any(|part| matches!(part, "watch=true" | "watch=1"));
    let verb = match method {
        "GET" if watches => "watch",
        "GET" if named => "get",
        "GET" => "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" if rest.ends_with("/status") => "patch status",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "other",
    };
    (verb, resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_verb_and_a_resource() {
        let cases = [
            ("GET", "/api/v1/pods", "labelSelector=x&limit=50", ("list", "pods")),
            ("GET", "/api/v1/namespaces/n/pods", "watch=true&x", ("watch", "pods")),
            ("GET", "/apis/mixbed.dev/v1alpha1/mixnets", "&watch=true", ("watch", "mixnets")),
            ("GET", "/api/v1/namespaces/n/services/m-nodes", "", ("get", "services")),
            (
                "PATCH",
                "/apis/apps/v1/namespaces/n/statefulsets/m-mix-1",
                "force=true",
                ("patch", "statefulsets"),
            ),
            (
                "PATCH",
                "/apis/mixbed.dev/v1alpha1/namespaces/n/mixnets/m/status",
                "",
                ("patch status", "mixnets"),
            ),
            ("POST", "/apis/events.k8s.io/v1/namespaces/n/events", "", ("create", "events")),
            ("DELETE", "/api/v1/namespaces/n/secrets/s", "", ("delete", "secrets")),
            ("PUT", "/apis/coordination.k8s.io/v1/namespaces/n/leases/l", "", ("update", "leases")),
        ];
        for (method, path, query, wanted) in cases {
            assert_eq!(call(method, path, query), wanted, "{method} {path}?{query}");
        }
    }
}
