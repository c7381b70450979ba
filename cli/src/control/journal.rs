//! Broadcasts that are written down first: `POST /v1/broadcast`, `GET /v1/broadcasts` and
//! `GET /v1/broadcasts/{txid}`.

use std::time::{Duration, Instant, SystemTime};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mixbed_client::{
    BroadcastOptions, BroadcastOrderError, BroadcastRecord, BroadcastState, Broadcasts,
};
use mixbed_monero::TxId;

use super::api::{BroadcastEntry, BroadcastReply, Outcome, Wait};
use super::broadcast::{accepted, micros};
use super::server::{Control, refuse};

/// What has to be written down may take longer than the broadcast itself was given.
const LAST_WRITE: Duration = Duration::from_secs(2);

pub(super) async fn handle(State(control): State<Control>) -> Response {
    let entries: Vec<_> = control.broadcasts.list().iter().map(entry).collect();
    Json(entries).into_response()
}

pub(super) async fn handle_one(
    State(control): State<Control>,
    Path(txid): Path<String>,
) -> Response {
    let Ok(txid) = txid.parse::<TxId>() else {
        let why = "a transaction's id is 64 hexadecimal digits, and this is none";
        return refuse(StatusCode::BAD_REQUEST, why).into_response();
    };
    let Some(record) = control.broadcasts.watch(txid).map(|record| record.borrow().clone()) else {
        let why = format!("no broadcast of {txid} is known here; see them all: mixbed broadcasts");
        return refuse(StatusCode::NOT_FOUND, why).into_response();
    };
    let elapsed = record.ordered.elapsed().unwrap_or_default();
    Json(told(&control.broadcasts, &record, elapsed)).into_response()
}

/// Takes a transaction on, and waits for what is wished; at most until its deadline, and as long as
/// it may wait at a provider.
pub(super) async fn broadcast(
    broadcasts: &Broadcasts,
    raw: &[u8],
    options: &BroadcastOptions,
    wait: Wait,
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
    let now = || broadcasts.watch(txid).map(|record| record.borrow().clone());
    let stopped = || (StatusCode::SERVICE_UNAVAILABLE, "the client was stopped".to_owned());
    if wait == Wait::No {
        let record = now().ok_or_else(stopped)?;
        return Ok((StatusCode::ACCEPTED, told(broadcasts, &record, began.elapsed())));
    }
    // Ordered before with a later deadline, it may go on when this one has passed.
    let limit = options.deadline + LAST_WRITE;
    let mut record = match tokio::time::timeout(limit, broadcasts.confirmed(txid)).await {
        Ok(record) => record,
        Err(_) => now(),
    };
    if let Some(BroadcastState::Held { until, .. }) = record.as_ref().map(|record| &record.state) {
        let more = until.duration_since(SystemTime::now()).unwrap_or_default() + limit;
        if let Ok(later) = tokio::time::timeout(more, broadcasts.confirmed(txid)).await {
            record = later;
        }
    }
    let record = record.ok_or_else(stopped)?;
    let reply = told(broadcasts, &record, began.elapsed());
    // Whoever waited for a word has none.
    let outcome = match reply.outcome {
        Outcome::Pending => Outcome::Failed,
        other => other,
    };
    Ok((status(&record.state), BroadcastReply { outcome, ..reply }))
}

fn status(state: &BroadcastState) -> StatusCode {
    match state {
        BroadcastState::Accepted { .. } | BroadcastState::Mined { .. } => StatusCode::OK,
        BroadcastState::Rejected { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        BroadcastState::Pending | BroadcastState::Held { .. } | BroadcastState::Expired { .. } => {
            StatusCode::GATEWAY_TIMEOUT
        }
    }
}

fn told(broadcasts: &Broadcasts, record: &BroadcastRecord, elapsed: Duration) -> BroadcastReply {
    let entry = entry(record);
    let outcome = match &record.state {
        BroadcastState::Accepted { already_known: true, .. } => Outcome::AlreadyKnown,
        BroadcastState::Accepted { .. } => Outcome::Accepted,
        BroadcastState::Mined { .. } => Outcome::Mined,
        BroadcastState::Rejected { .. } => Outcome::Rejected,
        BroadcastState::Pending | BroadcastState::Held { .. } => Outcome::Pending,
        BroadcastState::Expired { .. } => Outcome::Failed,
    };
    // What it took is known of what was accepted by this process. What a provider held was not
    // accepted yet when its packets had come.
    let report = record.report.as_ref().filter(|_| record.is_accepted());
    let (trace_id, elapsed_us, packets) = match report.map(|report| (accepted(report), report.held))
    {
        Some((reply, None)) => (reply.trace_id, reply.elapsed_us, reply.packets),
        Some((reply, Some(_))) => (reply.trace_id, micros(elapsed), None),
        None => (None, micros(elapsed), None),
    };
    BroadcastReply {
        outcome,
        state: Some(entry.state),
        under_way: !record.state.is_settled() || broadcasts.is_being_confirmed(record),
        words: entry.words,
        txid: Some(entry.txid),
        trace_id,
        provider: entry.provider,
        elapsed_us,
        packets,
        confirmed_by: entry.confirmed_by,
        height: entry.height,
        confirmations: entry.confirmations,
        found_out: entry.found_out,
    }
}

fn entry(record: &BroadcastRecord) -> BroadcastEntry {
    let trouble = record.trouble.as_deref();
    let mut entry = BroadcastEntry {
        txid: record.txid.to_string(),
        state: record.state.name().to_owned(),
        words: String::new(),
        provider: None,
        bytes: record.bytes as u64,
        tries: record.tries,
        ordered_ms: millis(record.ordered),
        expires_ms: millis(record.expires),
        ended_ms: record.state.ended_at().map(millis),
        held_until_ms: None,
        confirmed_by: None,
        height: None,
        confirmations: None,
        found_out: record.found_out.clone(),
    };
    let (provider, words) = match &record.state {
        BroadcastState::Pending => (None, trouble.unwrap_or("no word of it yet").to_owned()),
        BroadcastState::Held { provider, until } => {
            entry.held_until_ms = Some(millis(*until));
            let words = "a provider holds it for a random time before monerod gets it";
            (Some(provider), words.to_owned())
        }
        BroadcastState::Accepted { provider, already_known, confirmed_by, .. } => {
            entry.confirmed_by.clone_from(confirmed_by);
            let words = if *already_known {
                "monerod had the transaction before"
            } else {
                "monerod accepted the transaction"
            };
            let other = confirmed_by.as_ref().map(|other| format!(", and {other} knows of it"));
            (Some(provider), format!("{words}{}", other.unwrap_or_default()))
        }
        BroadcastState::Mined { provider, by, height, confirmations, .. } => {
            (entry.height, entry.confirmations) = (Some(*height), Some(*confirmations));
            entry.confirmed_by = (by != provider).then(|| by.clone());
            let words = format!("in block {height}, says {by}");
            (Some(provider), words)
        }
        BroadcastState::Rejected { provider, words, .. } => {
            (Some(provider), format!("monerod rejects the transaction: {words}"))
        }
        BroadcastState::Expired { .. } => {
            let words = trouble.unwrap_or("its time was over before it could be sent");
            (None, words.to_owned())
        }
    };
    entry.provider = provider.cloned();
    entry.words = words;
    entry
}

fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
