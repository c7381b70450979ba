//! The API's server.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use mixbed_client::{Broadcasts, Client};
use mixbed_guard::{AllowedHost, Guard, Login, Scheme};
use mixbed_localnet::LocalNet;
use mixbed_telemetry::{Attribute, Health, Step, Telemetry};

use super::api::{Refusal, Trace};
use super::{Post, broadcast, chat, impairments, journal, letters, parameters, status};

/// What the API speaks for.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) client: Client,
    /// Its broadcasts; written down where it has a state directory.
    pub(crate) broadcasts: Broadcasts,
    /// The client's mailbox.
    pub(crate) post: Post,
    /// The client's name.
    pub(crate) name: String,
    pub(crate) network: String,
    /// The directory's URL.
    pub(crate) directory: String,
    pub(crate) nodes: Nodes,
    pub(crate) monerod: Option<String>,
    /// Whether transactions are traced, if the network allows it and nobody says otherwise.
    pub(crate) traced: bool,
    pub(crate) telemetry: Telemetry,
    pub(crate) metrics_step: Step,
    pub(crate) health: Health,
}

/// What needs no login: a kubelet has none.
const OPEN: &[&str] = &["/healthz", "/readyz"];

/// Who may ask at the API at `address`.
pub(crate) fn guard(address: SocketAddr, hosts: &[AllowedHost], login: Option<Login>) -> Guard {
    let guard = Guard::new(address).with_hosts(hosts);
    match login {
        Some(login) => guard.with_login(login, Scheme::Basic, rand::random(), OPEN),
        None => guard,
    }
}

/// Where the nodes are.
#[derive(Clone, Debug)]
pub(crate) enum Nodes {
    /// In this process.
    Inside(Arc<LocalNet>),
    /// Elsewhere: what the document says is known.
    Elsewhere,
}

/// The API, and `/healthz`, `/readyz` and `/metrics` beside it.
pub(crate) fn router(control: Control) -> Router {
    let Control { telemetry, health, metrics_step, .. } = control.clone();
    let plain = mixbed_telemetry::router(telemetry, health, metrics_step);
    Router::new()
        .route("/v1/broadcast", post(broadcast::handle))
        .route("/v1/broadcasts", get(journal::handle))
        .route("/v1/broadcasts/{txid}", get(journal::handle_one))
        .route("/v1/status", get(status::handle))
        .route("/v1/traces/{id}", get(trace))
        .route("/v1/impairments", get(impairments::handle_get).post(impairments::handle_post))
        .route("/v1/parameters", get(parameters::handle_get).post(parameters::handle_post))
        .route("/v1/letters", post(letters::send))
        .route("/v1/mailbox", post(letters::mailbox))
        .route("/v1/mailbox/receive", post(letters::receive))
        .route("/v1/mailbox/accept", post(letters::accept))
        .route("/v1/chat", get(chat::list))
        .route("/v1/chat/contacts", post(chat::contact))
        .route("/v1/chat/messages", get(chat::messages))
        .route("/v1/chat/changes", post(chat::changes))
        .route("/v1/chat/forget", post(chat::forget))
        .fallback(async || refuse(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .with_state(control)
        .merge(plain)
}

/// An error with its words.
pub(super) fn refuse(status: StatusCode, why: impl Into<String>) -> (StatusCode, Json<Refusal>) {
    (status, Json(Refusal { error: why.into() }))
}

async fn trace(
    State(control): State<Control>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, impl IntoResponse> {
    let id = id.to_ascii_lowercase();
    let spans = control.telemetry.spans();
    let trace_id = match id.len() {
        32 => {
            let mut trace_id = [0; 16];
            hex::decode_to_slice(&id, &mut trace_id).ok().map(|()| Some(trace_id))
        }
        64 => hex::decode(&id).ok().map(|_| spans.find(Attribute::Txid, &id)),
        _ => None,
    };
    let Some(trace_id) = trace_id else {
        let why = "a transaction id is 64 hexadecimal digits, a trace id 32, and this is neither";
        return Err(refuse(StatusCode::BAD_REQUEST, why));
    };
    let spans = trace_id.map(|trace_id| spans.trace(trace_id)).unwrap_or_default();
    match trace_id {
        Some(trace_id) if !spans.is_empty() => {
            Ok(Json(Trace { trace_id: hex::encode(trace_id), spans }))
        }
        _ => {
            let why = format!(
                "no trace of {id} here: it was not sent from here, not traced, or too long ago"
            );
            Err(refuse(StatusCode::NOT_FOUND, why))
        }
    }
}
