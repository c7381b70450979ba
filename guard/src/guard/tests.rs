use super::*;

fn judge(guard: &Guard, path: &str, list: &[(&'static str, &str)]) -> Result<Passed, Refusal> {
    judge_method(guard, &Method::GET, path, list)
}

fn judge_method(
    guard: &Guard,
    method: &Method,
    path: &str,
    list: &[(&'static str, &str)],
) -> Result<Passed, Refusal> {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.append(HeaderName::from_static(name), value.parse().unwrap());
    }
    let uri = path.parse().unwrap();
    let judged = guard.judge(method, &uri, &headers, Instant::now(), &mut rand::rng());
    judged.map_err(|refused| refused.refusal)
}

fn guard() -> Guard {
    Guard::new(SocketAddr::from(([127, 0, 0, 1], 7070)))
}

const HOST: (&str, &str) = ("host", "127.0.0.1:7070");

#[test]
fn programs_are_heard_and_pages_are_not() {
    let guard = guard();
    for headers in [&[HOST][..], &[HOST, ("sec-fetch-site", "none")]] {
        assert!(judge(&guard, "/metrics", headers).is_ok(), "{headers:?}");
    }
    for headers in [
        &[][..],
        &[HOST, HOST],
        &[HOST, ("host", "evil.example")],
        &[("host", "evil.example:7070")],
    ] {
        assert_eq!(judge(&guard, "/x", headers).unwrap_err(), Refusal::Host, "{headers:?}");
    }
    assert_eq!(judge(&guard, "http://evil.example:7070/x", &[HOST]).unwrap_err(), Refusal::Host);
    assert!(judge(&guard, "http://127.0.0.1:7070/x", &[HOST]).is_ok());
    for page in [
        ("origin", "http://127.0.0.1:7070"),
        ("origin", "null"),
        ("origin", ""),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("referer", "http://127.0.0.1:7070/"),
        ("referer", "https://evil.example/page"),
    ] {
        assert_eq!(judge(&guard, "/x", &[HOST, page]).unwrap_err(), Refusal::Page, "{page:?}");
    }
    let twice = [HOST, ("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")];
    assert_eq!(judge(&guard, "/x", &twice).unwrap_err(), Refusal::Page);
}

#[test]
fn pages_of_listed_origins_are_heard() {
    let guard = guard().with_origins(&["https://wallet.example".parse().unwrap()]);
    let page = ("origin", "https://wallet.example");
    let passed = judge(&guard, "/x", &[HOST, page, ("sec-fetch-site", "cross-site")]).unwrap();
    assert_eq!(passed.headers["access-control-allow-origin"], "https://wallet.example");
    assert!(passed.preflight.is_none());
    let asks = [HOST, page, ("access-control-request-method", "POST")];
    let passed = judge_method(&guard, &Method::OPTIONS, "/x", &asks).unwrap();
    assert!(passed.preflight.is_some());
    assert_eq!(passed.headers["access-control-allow-methods"], "GET, POST");
    for origin in ["https://wallet.example.evil", "http://wallet.example", "null"] {
        let refused = judge(&guard, "/x", &[HOST, ("origin", origin)]).unwrap_err();
        assert_eq!(refused, Refusal::Origin, "{origin}");
    }
    // An image of the page has no Origin.
    let image = [HOST, ("sec-fetch-site", "cross-site"), ("referer", "https://wallet.example/")];
    assert_eq!(judge(&guard, "/x", &image).unwrap_err(), Refusal::Origin);
    let foreign = [("host", "evil.example:7070"), page];
    assert_eq!(judge(&guard, "/x", &foreign).unwrap_err(), Refusal::Host);
}

#[test]
fn logins_are_asked_for_last_and_not_for_open_paths() {
    let login: Login = "u:p".parse().unwrap();
    let guard = guard().with_login(login, Scheme::Basic, [1; 32], &["/healthz"]);
    assert!(judge(&guard, "/healthz", &[HOST]).is_ok());
    let refused = judge(&guard, "/v1/status", &[HOST]).unwrap_err();
    assert_eq!(refused.status(), 401);
    assert!(judge(&guard, "/v1/status", &[HOST, ("authorization", "Bearer p")]).is_ok());
    let page = [HOST, ("authorization", "Bearer p"), ("origin", "https://evil.example")];
    assert_eq!(judge(&guard, "/v1/status", &page).unwrap_err(), Refusal::Page);
}

/// A page's browser has to see that a login is wanted, and asks without one whether it may ask.
#[test]
fn a_listed_page_logs_in() {
    let login: Login = "u:p".parse().unwrap();
    let guard = guard().with_origins(&["https://wallet.example".parse().unwrap()]).with_login(
        login,
        Scheme::Digest,
        [1; 32],
        &[],
    );
    let page = ("origin", "https://wallet.example");
    let asks = [HOST, page, ("access-control-request-method", "POST")];
    assert!(judge_method(&guard, &Method::OPTIONS, "/json_rpc", &asks).is_ok());
    let mut headers = HeaderMap::new();
    headers.insert(http::header::HOST, "127.0.0.1:7070".parse().unwrap());
    headers.insert(ORIGIN, "https://wallet.example".parse().unwrap());
    let uri = Uri::from_static("/json_rpc");
    let now = Instant::now();
    let Refused { refusal, headers: answered } =
        *guard.judge(&Method::POST, &uri, &headers, now, &mut rand::rng()).unwrap_err();
    assert_eq!(refusal.status(), 401);
    assert_eq!(answered["access-control-allow-origin"], "https://wallet.example");
    assert_eq!(answered["access-control-expose-headers"], "www-authenticate");
}

#[test]
fn metrics_for_other_machines_may_be_addressed_by_any_name() {
    let named = [("host", "api.cluster.example:6443")];
    for (listens, is_heard) in [("0.0.0.0:7201", true), ("127.0.0.1:7201", false)] {
        let guard = Guard::new(listens.parse().unwrap()).with_any_host_from_afar();
        assert_eq!(judge(&guard, "/metrics", &named).is_ok(), is_heard, "{listens}");
        let page = [named[0], ("origin", "http://api.cluster.example:6443")];
        assert!(judge(&guard, "/metrics", &page).is_err(), "{listens}");
    }
}
