use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;

use super::target::Host;
use super::*;

fn rule(text: &str) -> TargetRule {
    text.parse().expect("a rule")
}

fn target(text: &str) -> Target {
    Target::parse(text).expect("a target")
}

fn config(targets: &[&str], names: &[&str]) -> TcpConfig {
    TcpConfig {
        targets: targets.iter().map(|text| rule(text)).collect(),
        names: names.iter().map(|text| text.parse().expect("a name")).collect(),
    }
}

#[test]
fn rules_allow_what_they_say_and_no_more() {
    for (allowed, yes, no) in [
        (
            "monerod.mixbed:18081",
            &["monerod.mixbed:18081", "MoneroD.Mixbed.:18081"][..],
            &["monerod.mixbed:18082", "a.monerod.mixbed:18081", "monerod.mixbedx:18081"][..],
        ),
        ("host:*", &["host:1", "host:65535"], &["hos:1", "ghost:1"]),
        (
            "*.example.org:80",
            &["a.example.org:80", "b.a.example.org:80"],
            &["example.org:80", ".example.org:80", "aexample.org:80", "a.example.org.x:80"],
        ),
        ("127.0.0.1:80", &["127.0.0.1:80", "[::ffff:127.0.0.1]:80"], &["127.0.0.2:80", "[::1]:80"]),
        (
            "10.1.0.0/16:*",
            &["10.1.255.255:1", "10.1.0.0:9"],
            &["10.2.0.0:1", "11.1.0.0:1", "10.1:1", "[::10.1.0.0]:1"],
        ),
        ("0.0.0.0/0:80", &["255.1.2.3:80"], &["[::1]:80", "localhost:80"]),
        ("[fd00::/8]:80", &["[fd12::1]:80"], &["[fe80::1]:80", "10.0.0.1:80"]),
        ("[::/0]:80", &["[fe80::1]:80"], &["10.0.0.1:80"]),
        ("[::1]:80", &["[::1]:80"], &["[::2]:80"]),
        ("1.2.3.4/32:80", &["1.2.3.4:80"], &["1.2.3.5:80"]),
    ] {
        let rule = rule(allowed);
        assert_eq!(rule.to_string().parse(), Ok(rule.clone()), "{allowed}");
        let allows = |text: &str| Target::parse(text).is_some_and(|target| rule.allows(&target));
        for text in yes {
            assert!(allows(text), "{allowed} does not allow {text}");
        }
        for text in no {
            assert!(!allows(text), "{allowed} allows {text}");
        }
    }
}

#[test]
fn what_is_no_rule_is_refused_and_says_what_is() {
    for text in [
        "",
        "host",
        "host:",
        "host:0",
        "host:65536",
        "host:+80",
        ":80",
        "*:80",
        "*.:80",
        "a*b:80",
        "::1:80",
        "[::1:80",
        "fd00::/8:80",
        "[fd00::/129]:80",
        "[fd00::]/8:80",
        "1.2.3.4/33:80",
        "1.2.3/24:80",
        "1.2.3.4/:80",
        "[1.2.3.4]:80",
        "host name:80",
        "127.1:80",
        "0x7f000001:80",
        "2130706433:80",
        "a..b:80",
        &format!("{}:80", "a".repeat(64)),
        &format!("{}a:80", "a.".repeat(127)),
    ] {
        let error = text.parse::<TargetRule>().expect_err(text).to_string();
        assert!(error.contains("HOST:PORT"), "{error}");
    }
    for text in ["", "a", "a=", "=b:1", "a=b", "a:0=b:1", "a b=c:1", "a=b:*", "1.2.3.4=b:1"] {
        assert!(text.parse::<TcpName>().is_err(), "{text}");
    }
}

#[test]
fn names_have_places_and_are_allowed_by_name_only() {
    let names = ["monerod.mixbed:18081=127.0.0.1:38081", "other.mixbed=[::1]:9"];
    for name in names {
        assert_eq!(name.parse::<TcpName>().expect("a name").to_string(), name);
    }
    let config = config(&["monerod.mixbed:*", "other.mixbed:7", "plain.org:80"], &names);
    let place = |text| permit(&config, text).map(|target| target.to_string());
    assert_eq!(place("Monerod.Mixbed:18081"), Ok("127.0.0.1:38081".to_owned()));
    assert_eq!(place("monerod.mixbed:18082"), Ok("monerod.mixbed:18082".to_owned()));
    assert_eq!(place("other.mixbed:7"), Ok("[::1]:9".to_owned()));
    assert_eq!(place("plain.org:80"), Ok("plain.org:80".to_owned()));
    for text in [
        "127.0.0.1:38081",
        "[::1]:9",
        "other.mixbed:9",
        "",
        "plain.org",
        "plain.org:80:80",
        "plain.org:80\0",
        "plain.org\r\n:80",
        "[plain.org]:80",
        "\u{202e}:80",
        &"a".repeat(280),
    ] {
        let reason = place(text).expect_err(text);
        assert_eq!(reason.code(), Code::Forbidden, "{text}");
    }
}

#[tokio::test]
async fn a_target_is_connected_by_address_or_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let port = listener.local_addr().expect("bound").port();
    for host in ["127.0.0.1", "localhost"] {
        let socket = Connector::new(Duration::from_secs(10))
            .connect(&target(&format!("{host}:{port}")))
            .await;
        assert!(socket.expect("connected").nodelay().expect("asked"));
    }
}

#[tokio::test]
async fn each_failure_has_its_code() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let free = listener.local_addr().expect("bound");
    drop(listener);
    let tried = |target| async move {
        let connector = Connector::new(Duration::from_secs(10));
        connector.connect(&target).await.expect_err("there is nobody")
    };
    assert_eq!(tried(target(&free.to_string())).await, Code::Refused);
    // Too long for a question: no resolver is waited for that may be away.
    let unheard_of = Target { host: Host::Name("a".repeat(64)), port: 80 };
    assert_eq!(tried(unheard_of).await, Code::NameNotFound);
    for (kind, expected) in [
        (io::ErrorKind::HostUnreachable, Code::Unreachable),
        (io::ErrorKind::NetworkUnreachable, Code::Unreachable),
        (io::ErrorKind::TimedOut, Code::TimedOut),
        (io::ErrorKind::PermissionDenied, Code::Failed),
    ] {
        assert_eq!(connect::code(&kind.into()), expected, "{kind}");
    }
}

/// A listener whose queue is full does not answer.
#[tokio::test]
async fn a_target_that_is_silent_times_out() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("bound");
    let silent = socket.listen(1).expect("listening");
    let address = silent.local_addr().expect("bound");
    let mut fill = Vec::new();
    let limit = Duration::from_millis(300);
    let began = Instant::now();
    let code = loop {
        match Connector::new(limit).connect(&target(&address.to_string())).await {
            Ok(socket) => fill.push(socket),
            Err(code) => break code,
        }
        assert!(fill.len() < 1000, "its queue does not fill");
    };
    assert_eq!(code, Code::TimedOut);
    assert!(began.elapsed() >= limit);
}
