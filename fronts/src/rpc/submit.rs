//! Submission: a wallet's JSON in, a broadcast, monerod's JSON out.

use hyper::{Response, StatusCode};
use mixbed_client::{BroadcastError, BroadcastReport, RequestError};
use mixbed_monero::Flag;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::RpcConfig;
use super::answer::{Body, error, json};
use super::mixnet::Mixnet;
use super::readings::Tally;

/// What a wallet sends. What it leaves out is as monerod takes it.
#[derive(Deserialize)]
struct Submission {
    #[serde(default)]
    tx_as_hex: String,
    #[serde(default)]
    do_not_relay: bool,
    #[serde(default = "yes")]
    do_sanity_checks: bool,
}

fn yes() -> bool {
    true
}

/// monerod's `status`.
const OK: &str = "OK";
const FAILED: &str = "Failed";
/// monerod's word for "again later": whether the transaction is there is not known.
const BUSY: &str = "BUSY";

/// A transaction that a provider has by its own word.
pub(super) struct Taken {
    pub(super) raw: Vec<u8>,
    pub(super) report: BroadcastReport,
}

/// Submits what a wallet's body has, within the deadline, when it is its turn: what the wallet is
/// told, and the transaction if a provider has it. Those in `not` are given it last.
pub(super) async fn submit<M: Mixnet>(
    mixnet: &M,
    body: &[u8],
    turns: &Semaphore,
    config: &RpcConfig,
    tally: &Tally,
    not: Vec<String>,
) -> (Response<Body>, Option<Taken>) {
    let raw = match read(body) {
        Ok(raw) => raw,
        Err(why) => return (verdict(FAILED, &why, false, &[]), None),
    };
    let end = Instant::now() + config.deadline;
    let Ok(Ok(_turn)) = timeout_at(end, turns.acquire()).await else {
        let why = "nothing was sent: too many transactions are being submitted";
        return (error(StatusCode::SERVICE_UNAVAILABLE, why), None);
    };
    let left = end.saturating_duration_since(Instant::now());
    let result = mixnet.broadcast(&raw, left, config.traced, not).await;
    if let Ok(report) = &result {
        tally.handle_answered(report.mixing_delay);
    }
    let answer = told(&result);
    (answer, result.ok().map(|report| Taken { raw, report }))
}

/// The transaction's bytes, or why they are not submitted.
fn read(body: &[u8]) -> Result<Vec<u8>, String> {
    let submission: Submission =
        serde_json::from_slice(body).map_err(|error| format!("no submission: {error}"))?;
    if submission.do_not_relay {
        return Err("do_not_relay is not possible through the mixnet: a provider hands a \
                    transaction in to be relayed"
            .to_owned());
    }
    if !submission.do_sanity_checks {
        return Err("do_sanity_checks: false is not possible through the mixnet: a provider's \
                    monerod makes its checks"
            .to_owned());
    }
    if submission.tx_as_hex.is_empty() {
        return Err("tx_as_hex is missing or empty".to_owned());
    }
    hex::decode(&submission.tx_as_hex).map_err(|error| format!("tx_as_hex: {error}"))
}

/// What the wallet is told of a broadcast.
fn told(result: &Result<BroadcastReport, BroadcastError>) -> Response<Body> {
    match result {
        Ok(report) => {
            tracing::info!("a wallet's transaction is submitted");
            // monerod says so of what it had already; wallets take it as delivered.
            let reason = if report.already_known { "Not relayed" } else { "" };
            verdict(OK, reason, report.already_known, &[])
        }
        Err(why) => {
            tracing::warn!(%why, "a wallet's transaction is not known to be submitted");
            failed(why)
        }
    }
}

fn failed(why: &BroadcastError) -> Response<Body> {
    match why {
        BroadcastError::Rejected { words, flags, .. } => verdict(FAILED, words, false, flags),
        BroadcastError::Empty | BroadcastError::TooLarge(_) => {
            verdict(FAILED, &why.to_string(), false, &[])
        }
        BroadcastError::NotReady { .. }
        | BroadcastError::Request(RequestError::NotReady(_) | RequestError::NoProvider { .. }) => {
            error(StatusCode::SERVICE_UNAVAILABLE, &format!("nothing was sent: {why}"))
        }
        _ => {
            let words = format!("{why}. It may have arrived; to submit it again is safe");
            verdict(BUSY, &words, false, &[])
        }
    }
}

/// monerod's answer to a submission: each flag that any of its versions has.
fn verdict(status: &str, reason: &str, not_relayed: bool, flags: &[Flag]) -> Response<Body> {
    let named = Flag::ALL.into_iter().map(|flag| (flag.name(), flags.contains(&flag).into()));
    let rest: [(&str, Value); 6] = [
        ("status", status.into()),
        ("reason", reason.into()),
        ("not_relayed", not_relayed.into()),
        ("untrusted", false.into()),
        ("credits", 0.into()),
        ("top_hash", "".into()),
    ];
    let all = named.chain(rest).map(|(name, value)| (name.to_owned(), value));
    json(StatusCode::OK, &Value::Object(all.collect::<Map<_, _>>()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;
    use mixbed_client::core::Tried;
    use mixbed_monero::TxId;
    use serde_json::json;

    use super::*;

    async fn said(answer: Response<Body>) -> (u16, Value) {
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("it is there").to_bytes();
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    fn report(already_known: bool) -> BroadcastReport {
        BroadcastReport {
            txid: TxId::from([1; 32]),
            already_known,
            trace_id: None,
            provider: "provider-0".to_owned(),
            elapsed: Duration::ZERO,
            packets_sent: 1,
            packets_received: 1,
            retransmissions: 0,
            mixing_delay: Duration::ZERO,
            monerod_time: Duration::ZERO,
            monerod_attempts: 1,
            held: None,
            confirmed_by: None,
            found_out: Vec::new(),
        }
    }

    /// As monerod 0.18 has them, in that order.
    #[tokio::test]
    async fn the_answers_are_monerods() {
        let (status, answer) = said(told(&Ok(report(false)))).await;
        let expected = json!({
            "credits": 0, "double_spend": false, "fee_too_low": false, "invalid_input": false,
            "invalid_output": false, "low_mixin": false, "nonzero_unlock_time": false,
            "not_rct": false, "not_relayed": false, "overspend": false, "reason": "",
            "sanity_check_failed": false, "status": "OK", "too_big": false,
            "too_few_outputs": false, "top_hash": "", "tx_extra_too_big": false,
            "untrusted": false,
        });
        assert_eq!((status, answer), (200, expected));
        let (_, again) = said(told(&Ok(report(true)))).await;
        assert_eq!(
            (&again["status"], &again["not_relayed"], &again["reason"]),
            (&json!("OK"), &json!(true), &json!("Not relayed"))
        );
        let rejected = BroadcastError::Rejected {
            words: "spent".to_owned(),
            flags: vec![Flag::DoubleSpend, Flag::InvalidInput],
            provider: "provider-0".to_owned(),
        };
        let (status, answer) = said(told(&Err(rejected))).await;
        assert_eq!(
            (status, &answer["status"], &answer["reason"]),
            (200, &json!("Failed"), &json!("spent"))
        );
        for flag in Flag::ALL {
            let expected = matches!(flag, Flag::DoubleSpend | Flag::InvalidInput);
            assert_eq!(answer[flag.name()], json!(expected), "{flag:?}");
        }
    }

    #[tokio::test]
    async fn what_is_not_known_is_not_said_to_have_failed() {
        let deadline = Duration::from_secs(60);
        let late = BroadcastError::DeadlinePassed { deadline, tried: "2 packets".to_owned() };
        let (status, answer) = said(told(&Err(late))).await;
        assert_eq!((status, &answer["status"]), (200, &json!("BUSY")));
        assert!(answer["reason"].as_str().is_some_and(|why| why.contains("may have arrived")));
        let nothing = BroadcastError::NotReady { why: "no link".to_owned() };
        let (status, answer) = said(told(&Err(nothing))).await;
        assert_eq!(status, 503);
        assert!(answer["error"]["message"].as_str().is_some_and(|why| why.contains("no link")));
        let gone = RequestError::ProviderGone { provider: "p".to_owned(), tried: Tried::default() };
        let (status, answer) = said(told(&Err(BroadcastError::Request(gone)))).await;
        assert_eq!((status, &answer["status"]), (200, &json!("BUSY")));
        let (_, answer) = said(told(&Err(BroadcastError::TooLarge(90_000)))).await;
        assert_eq!(answer["status"], json!("Failed"));
    }

    #[test]
    fn what_cannot_be_done_is_said_in_words() {
        assert_eq!(read(br#"{"tx_as_hex":"00ff","do_not_relay":false}"#), Ok(vec![0, 255]));
        assert_eq!(
            read(br#"{"tx_as_hex":"00FF","do_sanity_checks":true,"client":""}"#),
            Ok(vec![0, 255])
        );
        for (body, words) in [
            (r#"{"tx_as_hex":"00","do_not_relay":true}"#, "do_not_relay"),
            (r#"{"tx_as_hex":"00","do_sanity_checks":false}"#, "do_sanity_checks"),
            (r#"{"tx_as_hex":"0"}"#, "tx_as_hex"),
            (r#"{"tx_as_hex":"xy"}"#, "tx_as_hex"),
            (r#"{"tx_as_hex":""}"#, "empty"),
            ("{}", "missing"),
            ("", "no submission"),
            ("[1", "no submission"),
        ] {
            let why = read(body.as_bytes()).expect_err(body);
            assert!(why.contains(words), "{body}: {why}");
        }
    }
}
