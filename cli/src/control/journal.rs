//! Broadcasts that are written down first: `POST /v1/broadcast` of a client with a state directory,
//! and `GET /v1/broadcasts`.

use std::time::{Duration, Instant, SystemTime};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mixbed_client::{
    BroadcastOptions, BroadcastOrderError, BroadcastRecord, BroadcastState, Broadcasts,
};

use super::api::{BroadcastEntry, BroadcastReply, Outcome};
use super::broadcast::{accepted, micros};
use super::server::{Control, refuse};

/// What has to be written down may take longer than the broadcast itself was given.
const LAST_WRITE: Duration = Duration::from_secs(2);

pub(super) async fn handle(State(control): State<Control>) -> Response {
    let Some(broadcasts) = &control.broadcasts else {
        let why = "this client has no state directory, so it forgets broadcasts when they end: \
                   start it with --state-dir";
        return refuse(StatusCode::NOT_FOUND, why).into_response();
    };
    let entries: Vec<_> = broadcasts.list().iter().map(entry).collect();
    Json(entries).into_response()
}

/// Takes a transaction on, and waits for its end; at most until its deadline.
pub(super) async fn broadcast(
    broadcasts: &Broadcasts,
    raw: &[u8],
    options: &BroadcastOptions,
) -> Result<(StatusCode, BroadcastReply), (StatusCode, String)> {
    let began = Instant::now();
    let txid = broadcasts.order(raw, options).await.map_err(|error| {
        let status = match error {
            BroadcastOrderError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            BroadcastOrderError::Unreadable(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, error.to_string())
    })?;
    // Ordered before with a later deadline, it may go on when this one has passed.
    let limit = options.deadline + LAST_WRITE;
    let ended = tokio::time::timeout(limit, broadcasts.ended(txid)).await;
    let record = match ended {
        Ok(record) => record,
        Err(_) => broadcasts.watch(txid).map(|record| record.borrow().clone()),
    };
    let record = record
        .ok_or_else(|| (StatusCode::SERVICE_UNAVAILABLE, "the client was stopped".to_owned()))?;
    Ok((status(&record.state), told(&record, began.elapsed())))
}

fn status(state: &BroadcastState) -> StatusCode {
    match state {
        BroadcastState::Accepted { .. } => StatusCode::OK,
        BroadcastState::Rejected { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        BroadcastState::Pending | BroadcastState::Expired { .. } => StatusCode::GATEWAY_TIMEOUT,
    }
}

fn told(record: &BroadcastRecord, elapsed: Duration) -> BroadcastReply {
    if let Some(report) = &record.report {
        return accepted(report);
    }
    let BroadcastEntry { txid, words, provider, .. } = entry(record);
    let outcome = match &record.state {
        BroadcastState::Accepted { already_known: true, .. } => Outcome::AlreadyKnown,
        BroadcastState::Accepted { .. } => Outcome::Accepted,
        BroadcastState::Rejected { .. } => Outcome::Rejected,
        BroadcastState::Pending | BroadcastState::Expired { .. } => Outcome::Failed,
    };
    let elapsed_us = micros(elapsed);
    let (trace_id, packets) = (None, None);
    BroadcastReply { outcome, words, txid: Some(txid), trace_id, provider, elapsed_us, packets }
}

fn entry(record: &BroadcastRecord) -> BroadcastEntry {
    let trouble = record.trouble.as_deref();
    let (provider, words) = match &record.state {
        BroadcastState::Pending => (None, trouble.unwrap_or("no word of it yet").to_owned()),
        BroadcastState::Accepted { provider, already_known, .. } => {
            let words = if *already_known {
                "monerod had the transaction before"
            } else {
                "monerod accepted the transaction"
            };
            (Some(provider), words.to_owned())
        }
        BroadcastState::Rejected { provider, words, .. } => {
            (Some(provider), format!("monerod rejects the transaction: {words}"))
        }
        BroadcastState::Expired { .. } => {
            let words = trouble.unwrap_or("its time was over before it could be sent");
            (None, words.to_owned())
        }
    };
    BroadcastEntry {
        txid: record.txid.to_string(),
        state: record.state.name().to_owned(),
        words,
        provider: provider.cloned(),
        bytes: record.bytes as u64,
        tries: record.tries,
        ordered_ms: millis(record.ordered),
        expires_ms: millis(record.expires),
        ended_ms: record.state.ended_at().map(millis),
    }
}

fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
