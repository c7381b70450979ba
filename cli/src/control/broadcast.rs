//! `POST /v1/broadcast`

use std::time::{Duration, Instant};

use axum::Json;
use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mixbed_client::{
    BroadcastError, BroadcastOptions, BroadcastReport, Client, MAX_MEAN_WAIT, RequestError,
};
use mixbed_monero::TxId;
use mixbed_telemetry::Attribute;
use mixbed_wire::message::SUBMIT_SERVICE;

use super::api::{BroadcastQuery, BroadcastReply, Outcome, Packets, Tracing};
use super::journal;
use super::server::{Control, refuse};
use crate::transaction::MAX_BYTES;

/// The shortest deadline that is taken.
const SHORTEST: Duration = Duration::from_millis(1);

/// The longest deadline that is taken: whoever asks waits with a connection.
const LONGEST: Duration = Duration::from_secs(300);

/// What is said of other deadlines.
pub(crate) const NO_DEADLINE: &str = "a deadline is 1 ms to 300 s";

/// How long the transaction may take to come.
const BODY: Duration = Duration::from_secs(30);

pub(super) async fn handle(
    State(control): State<Control>,
    query: Result<Query<BroadcastQuery>, QueryRejection>,
    body: Body,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, error.body_text()).into_response(),
    };
    let deadline = query.deadline_ms.map(Duration::from_millis);
    let deadline = deadline.unwrap_or(BroadcastOptions::default().deadline);
    if !is_deadline(deadline) {
        return refuse(StatusCode::BAD_REQUEST, NO_DEADLINE).into_response();
    }
    // A name that is mistyped is better told now than at the deadline.
    if let Some(name) = &query.provider
        && let Err(error) = control.client.offering(SUBMIT_SERVICE, Some(name))
    {
        return refuse(StatusCode::BAD_REQUEST, error.to_string()).into_response();
    }
    let raw = match read(body).await {
        Ok(raw) => raw,
        Err((status, why)) => return refuse(status, why).into_response(),
    };
    let traced = match query.trace {
        Some(Tracing::Always) => true,
        Some(Tracing::Allowed) => tracing_allowed(&control.client),
        Some(Tracing::Never) => false,
        None => control.traced && tracing_allowed(&control.client),
    };
    let random_wait = query.random_wait_ms.map(Duration::from_millis);
    if random_wait.is_some_and(|mean| !is_random_wait(mean)) {
        return refuse(StatusCode::BAD_REQUEST, NO_RANDOM_WAIT).into_response();
    }
    let options = BroadcastOptions {
        deadline,
        traced,
        provider: query.provider,
        confirm: query.confirm.unwrap_or(true),
        random_wait,
        ..BroadcastOptions::default()
    };
    let began = Instant::now();
    // What has no id cannot be known again, and is sent at once or not at all.
    if TxId::of(&raw).is_ok() {
        return match journal::broadcast(&control.broadcasts, &raw, &options, query.wait).await {
            Ok((status, mut reply)) => {
                if reply.trace_id.is_none() && traced {
                    reply.trace_id = trace_of(&control, &reply);
                }
                (status, Json(reply)).into_response()
            }
            Err((status, why)) => refuse(status, why).into_response(),
        };
    }
    let (status, reply) = match control.client.broadcast(&raw, options).await {
        Ok(report) => (StatusCode::OK, accepted(&report)),
        Err(error) => {
            let mut reply = failed(&error, &raw, began.elapsed());
            reply.trace_id = traced.then(|| trace_of(&control, &reply)).flatten();
            (status(&error), reply)
        }
    };
    (status, Json(reply)).into_response()
}

/// What is said of other means of a random wait.
pub(crate) const NO_RANDOM_WAIT: &str = "the mean of a random wait is 1 ms to 120 s";

/// Whether the mean of a random wait may be this.
pub(crate) fn is_random_wait(mean: Duration) -> bool {
    (SHORTEST..=MAX_MEAN_WAIT).contains(&mean)
}

/// Whether a broadcast may take this long.
pub(crate) fn is_deadline(time: Duration) -> bool {
    (SHORTEST..=LONGEST).contains(&time)
}

/// The whole body, if it is no larger than a message and comes in time.
async fn read(body: Body) -> Result<Bytes, (StatusCode, String)> {
    let too_large = || {
        let why = format!("the body has more than {MAX_BYTES} bytes, which no transaction has");
        (StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    // What is announced as too large is not waited for.
    if body.size_hint().lower() > MAX_BYTES as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY, to_bytes(body, MAX_BYTES)).await {
        Ok(Ok(raw)) => Ok(raw),
        Ok(Err(error)) if is_limit(&error) => Err(too_large()),
        Ok(Err(error)) => Err((StatusCode::BAD_REQUEST, format!("the body broke off: {error}"))),
        Err(_) => {
            let why = format!("the body did not come within {} s", BODY.as_secs());
            Err((StatusCode::REQUEST_TIMEOUT, why))
        }
    }
}

/// Whether the error at the bottom is that of the limit; axum tells it by no type of its own.
fn is_limit(error: &axum::Error) -> bool {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string().contains("length limit exceeded")
}

fn tracing_allowed(client: &Client) -> bool {
    client.directory().current().is_some_and(|document| document.parameters.tracing_allowed)
}

pub(crate) fn accepted(report: &BroadcastReport) -> BroadcastReply {
    let outcome = if report.already_known { Outcome::AlreadyKnown } else { Outcome::Accepted };
    let words = match outcome {
        Outcome::AlreadyKnown => "monerod had the transaction before",
        _ => "monerod accepted the transaction",
    };
    BroadcastReply {
        outcome,
        state: None,
        under_way: false,
        words: words.to_owned(),
        txid: Some(report.txid.to_string()),
        trace_id: report.trace_id.map(hex::encode),
        provider: Some(report.provider.clone()),
        elapsed_us: micros(report.elapsed),
        packets: Some(Packets {
            sent: report.packets_sent,
            received: report.packets_received,
            retransmissions: report.retransmissions,
            mixing_delay_us: micros(report.mixing_delay),
            monerod_us: micros(report.monerod_time),
            monerod_attempts: report.monerod_attempts,
        }),
        confirmed_by: report.confirmed_by.clone(),
        height: None,
        confirmations: None,
        found_out: report.found_out.iter().map(|suspect| suspect.provider.clone()).collect(),
    }
}

pub(crate) fn failed(error: &BroadcastError, raw: &[u8], elapsed: Duration) -> BroadcastReply {
    let (outcome, provider) = match error {
        BroadcastError::Rejected { provider, .. } => (Outcome::Rejected, Some(provider.clone())),
        BroadcastError::Unavailable { provider, .. }
        | BroadcastError::Unconfirmed { provider, .. } => (Outcome::Failed, Some(provider.clone())),
        _ => (Outcome::Failed, None),
    };
    let hint = match error {
        // Where others offer it, the name is wrong, and they are named.
        BroadcastError::Request(RequestError::NoProvider { known, .. }) if known.is_empty() => {
            "; a provider offers it if it is given a monerod (`mixbed up --monerod regtest`)"
        }
        _ => "",
    };
    BroadcastReply {
        outcome,
        words: format!("{error}{hint}"),
        txid: TxId::of(raw).ok().map(|txid| txid.to_string()),
        provider,
        elapsed_us: micros(elapsed),
        ..BroadcastReply::default()
    }
}

/// The trace of what was just sent, if its bytes are a transaction.
fn trace_of(control: &Control, reply: &BroadcastReply) -> Option<String> {
    let txid = reply.txid.as_deref()?;
    control.telemetry.spans().find(Attribute::Txid, txid).map(hex::encode)
}

fn status(error: &BroadcastError) -> StatusCode {
    match error {
        BroadcastError::Empty => StatusCode::BAD_REQUEST,
        BroadcastError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        BroadcastError::Rejected { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        BroadcastError::NotReady { .. } => StatusCode::SERVICE_UNAVAILABLE,
        BroadcastError::DeadlinePassed { .. } => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    }
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_name_is_no_missing_monerod() {
        let words = |known: &[&str]| {
            let error = RequestError::NoProvider {
                service: "monero.submit".to_owned(),
                provider: Some("nobody".to_owned()),
                known: known.iter().map(|&name| name.to_owned()).collect(),
            };
            failed(&BroadcastError::Request(error), &[], Duration::ZERO).words
        };
        assert!(words(&[]).contains("if it is given a monerod"), "{}", words(&[]));
        let known = words(&["provider-0"]);
        assert!(known.contains("provider-0") && !known.contains("given a monerod"), "{known}");
    }
}
