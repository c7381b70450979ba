//! The metrics text is sound, complete, and says what was counted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use mixbed_telemetry::{
    ClientMetrics, DirectoryMetrics, FollowerMetrics, LoopMetrics, MailboxMetrics, MinerMetrics,
    NodeMetrics, OperatorMetrics, Options, ProviderMetrics, StreamMetrics, Telemetry, reference,
};

const REASONS: [&str; 2] = ["replayed", "queue_full"];

/// Reads the text strictly: each family once with its header before its samples, no sample
/// twice, the end at the end. Gives the families' types and the samples.
fn parse(text: &str) -> (BTreeMap<String, String>, BTreeMap<String, f64>) {
    let (mut families, mut samples) = (BTreeMap::new(), BTreeMap::new());
    let mut current = String::new();
    let body = text.strip_suffix("# EOF\n").expect("the text must end with EOF");
    for line in body.lines() {
        if let Some(header) = line.strip_prefix("# HELP ") {
            header.split_once(' ').expect("help has a text").0.clone_into(&mut current);
            assert!(!families.contains_key(&current), "{current} has two headers");
            assert!(line.ends_with('.'), "{line}");
        } else if let Some(header) = line.strip_prefix("# TYPE ") {
            let (name, kind) = header.split_once(' ').unwrap();
            assert_eq!(name, current);
            families.insert(name.to_owned(), kind.to_owned());
        } else if let Some(header) = line.strip_prefix("# UNIT ") {
            let (name, unit) = header.split_once(' ').unwrap();
            assert!(name == current && name.ends_with(&format!("_{unit}")), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let suffix = name.strip_prefix(&current).expect("a sample is under its header");
            let allowed: &[&str] = match families[&current].as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "histogram" => &["_sum", "_count", "_bucket"],
                other => panic!("{other}"),
            };
            assert!(allowed.contains(&suffix), "{line}");
            let twice = samples.insert(series.to_owned(), value.parse().unwrap());
            assert!(twice.is_none(), "{series} is there twice");
        }
    }
    (families, samples)
}

fn everything(telemetry: &Telemetry) {
    let node = NodeMetrics::new(telemetry, "provider-0", "provider", &REASONS);
    node.link_handshake_failed("unknown_peer");
    let loops = LoopMetrics::new(telemetry, "provider-0", "provider");
    loops.sent("mix-1-0");
    loops.sent("mix-1-0");
    loops.returned("mix-1-0", Duration::from_millis(200));
    loops.lost("mix-1-0");
    loops.suspect.set(Some("mix-1-0"));
    let provider = ProviderMetrics::new(telemetry, "provider-0");
    provider.request("monero.submit", "accepted", Duration::from_millis(3));
    provider.monerod_ready(true);
    let streams = StreamMetrics::new(telemetry, "provider-0");
    streams.asked("tcp", "granted");
    streams.served("tcp").open.inc();
    MailboxMetrics::new(telemetry, "gateway-0").letters.set(1);
    let client = ClientMetrics::new(telemetry, "alice", &REASONS);
    client.message("answered", Some(Duration::from_millis(700)));
    client.message("deadline", None);
    client.stream("opened");
    client.confirmation("known");
    client.broken_word("provider-0");
    let directory = DirectoryMetrics::new(telemetry, "directory");
    directory.registration("accepted");
    directory.voting("signed");
    directory.set_nodes("mix", 6);
    let follower = FollowerMetrics::new(telemetry, "provider-0", "provider");
    follower.update("accepted");
    MinerMetrics::new(telemetry, "miner").height.set(7);
    let operator = OperatorMetrics::new(telemetry);
    operator.reconciled("Mixnet", "changed", Duration::from_millis(20));
    operator.api_call("apply", "services");
    operator.waiting("Mixnet", 1);
}

#[tokio::test]
async fn every_declared_metric_appears_and_no_other() {
    let options = Options {
        otlp: Some("http://127.0.0.1:1".to_owned()),
        memory_spans: 0,
        ..Options::default()
    };
    let telemetry = Telemetry::new(&options).unwrap();
    everything(&telemetry);
    let (families, _) = parse(&telemetry.metrics_text());
    let found: BTreeSet<_> = families
        .iter()
        .map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.clone() })
        .collect();
    let reference = reference();
    let declared: BTreeSet<_> =
        reference.lines().skip(2).map(|row| row.split('`').nth(1).unwrap().to_owned()).collect();
    assert_eq!(found, declared);
}

#[test]
fn several_nodes_share_a_family() {
    let telemetry = Telemetry::disabled();
    let a = NodeMetrics::new(&telemetry, "mix-1-0", "mix", &REASONS);
    let b = NodeMetrics::new(&telemetry, "mix \"2\"\n", "mix", &REASONS);
    a.packets_received.inc();
    b.packets_received.inc_by(2);
    b.links_out.set(3);
    b.clone().dropped(1);
    let (_, samples) = parse(&telemetry.metrics_text());
    let of = |series: &str| samples[series];
    let odd = r#"node="mix \"2\"\n",role="mix""#;
    assert!((of(r#"mixbed_packets_received_total{node="mix-1-0",role="mix"}"#) - 1.0).abs() < 1e-9);
    assert!((of(&format!("mixbed_packets_received_total{{{odd}}}")) - 2.0).abs() < 1e-9);
    assert!((of(&format!("mixbed_links{{{odd},direction=\"out\"}}")) - 3.0).abs() < 1e-9);
    let dropped =
        |reason| of(&format!("mixbed_packets_dropped_total{{{odd},reason=\"{reason}\"}}"));
    assert!(dropped("replayed").abs() < 1e-9, "a reason is there before it happens");
    assert!((dropped("queue_full") - 1.0).abs() < 1e-9);
}

#[test]
fn histograms_are_cumulative_and_in_seconds() {
    let telemetry = Telemetry::disabled();
    let node = NodeMetrics::new(&telemetry, "m", "mix", &REASONS);
    node.unwrap_seconds.observe(Duration::from_micros(200));
    node.unwrap_seconds.observe(Duration::from_millis(2));
    node.unwrap_seconds.observe(Duration::from_secs(500));
    let (_, samples) = parse(&telemetry.metrics_text());
    let of = |suffix: &str, le: &str| {
        samples[&format!("mixbed_unwrap_seconds_{suffix}{{{le}node=\"m\",role=\"mix\"}}")]
    };
    let below = |le: &str| of("bucket", &format!("le=\"{le}\","));
    assert!((below("0.0001") - 0.0).abs() < 1e-9);
    assert!((below("0.00025") - 1.0).abs() < 1e-9);
    assert!((below("0.0025") - 2.0).abs() < 1e-9);
    assert!((below("120.0") - 2.0).abs() < 1e-9);
    assert!((below("+Inf") - 3.0).abs() < 1e-9);
    assert!((of("count", "") - 3.0).abs() < 1e-9);
    assert!((of("sum", "") - 500.0022).abs() < 1e-6);
}

#[test]
fn accounts_close_or_say_that_they_do_not() {
    let telemetry = Telemetry::disabled();
    let node = NodeMetrics::new(&telemetry, "m", "mix", &REASONS);
    node.packets_received.inc_by(10);
    node.packets_made.inc_by(2);
    node.packets_sent.inc_by(6);
    node.packets_delivered.inc();
    node.dropped(0);
    node.dropped(1);
    node.dropped(1);
    node.packets_held.set(2);
    let readings = node.readings();
    assert_eq!((readings.incoming(), readings.accounted()), (12, 12));
    assert_eq!(readings.dropped, [1, 2]);
    assert!(readings.closes());
    node.packets_received.inc();
    assert!(!node.readings().closes());
}

#[test]
fn a_node_that_starts_anew_counts_from_zero() {
    let telemetry = Telemetry::disabled();
    let other = NodeMetrics::new(&telemetry, "other", "mix", &REASONS);
    other.packets_received.inc();
    let first = NodeMetrics::new(&telemetry, "m", "mix", &REASONS);
    first.packets_received.inc_by(5);
    first.link_handshake_failed("timeout");
    let second = NodeMetrics::new(&telemetry, "m", "mix", &REASONS);
    first.packets_received.inc();
    second.packets_received.inc();
    let text = telemetry.metrics_text();
    let (_, samples) = parse(&text);
    let received =
        |node| samples[&format!("mixbed_packets_received_total{{node=\"{node}\",role=\"mix\"}}")];
    assert!((received("m") - 1.0).abs() < 1e-9);
    assert!((received("other") - 1.0).abs() < 1e-9);
    assert!(!text.contains("timeout"), "{text}");
}

#[test]
fn a_documents_age_grows_by_itself() {
    let telemetry = Telemetry::disabled();
    let follower = FollowerMetrics::new(&telemetry, "m", "mix");
    let series = r#"mixbed_document_age_seconds{node="m",role="mix"}"#;
    assert!(parse(&telemetry.metrics_text()).1[series].is_nan());
    follower.document_age_seconds.happened(SystemTime::now() - Duration::from_secs(100));
    assert!(parse(&telemetry.metrics_text()).1[series] >= 100.0);
}
