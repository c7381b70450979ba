//! `GET` and `POST /v1/parameters`

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mixbed_directory::{ChangeError, Parameters};
use mixbed_localnet::LocalNetError;

use super::server::{Control, Nodes, refuse};
use crate::parameters::Change;

/// A change is a few hundred bytes.
const MAX_BYTES: usize = 64 << 10;

/// Those that hold, as far as this client knows.
pub(super) async fn handle_get(State(control): State<Control>) -> Response {
    match control.client.directory().last() {
        Some(document) => Json(document.parameters.clone()).into_response(),
        None => refuse(StatusCode::SERVICE_UNAVAILABLE, "there is no document of the network yet")
            .into_response(),
    }
}

/// Changes some; answers with those that hold then.
pub(super) async fn handle_post(State(control): State<Control>, body: Body) -> Response {
    match change(&control, body).await {
        Ok(parameters) => Json(parameters).into_response(),
        Err((status, why)) => refuse(status, why).into_response(),
    }
}

async fn change(control: &Control, body: Body) -> Result<Parameters, (StatusCode, String)> {
    let Nodes::Inside(net) = &control.nodes else {
        let why = "a client cannot change its network: give the directory with --directory, its \
                   key with --authority-key, and the network's join secret";
        return Err((StatusCode::FORBIDDEN, why.to_owned()));
    };
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    let away = |why: String| (StatusCode::SERVICE_UNAVAILABLE, why);
    let body = to_bytes(body, MAX_BYTES).await.map_err(|error| bad(error.to_string()))?;
    let change: Change = serde_json::from_slice(&body)
        .map_err(|error| bad(format!("this is no change of parameters: {error}")))?;
    let changed = net.change(|parameters| change.apply(parameters)).await;
    changed.map_err(|error| match error {
        LocalNetError::Change(ChangeError::Parameters(error)) => bad(error.to_string()),
        error => away(error.to_string()),
    })?;
    let document = net.follower().last();
    let document = document.ok_or_else(|| away("there is no document".to_owned()))?;
    Ok(document.parameters.clone())
}
