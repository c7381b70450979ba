//! `GET` and `POST /v1/impairments`

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mixbed_directory::ChangeError;
use mixbed_localnet::LocalNetError;

use super::server::{Control, Nodes, refuse};
use crate::impairments::{Impairments, Order, list};

/// 64 rules are a few KiB.
const MAX_BYTES: usize = 256 << 10;

/// The rules that hold, as far as this client knows.
pub(super) async fn handle_get(State(control): State<Control>) -> Json<Impairments> {
    let document = control.client.directory().last();
    Json(Impairments { rules: document.as_deref().map(list).unwrap_or_default() })
}

/// Changes them; answers with those that hold then.
pub(super) async fn handle_post(State(control): State<Control>, body: Body) -> Response {
    match change(&control, body).await {
        Ok(impairments) => Json(impairments).into_response(),
        Err((status, why)) => refuse(status, why).into_response(),
    }
}

async fn change(control: &Control, body: Body) -> Result<Impairments, (StatusCode, String)> {
    let Nodes::Inside(net) = &control.nodes else {
        let why = "a client cannot change its network: give the directory with --directory, its \
                   key with --authority-key, and the network's join secret";
        return Err((StatusCode::FORBIDDEN, why.to_owned()));
    };
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    let body = to_bytes(body, MAX_BYTES).await.map_err(|error| bad(error.to_string()))?;
    let order: Order = serde_json::from_slice(&body)
        .map_err(|error| bad(format!("this is no change of impairments: {error}")))?;
    let mut refused = None;
    let changed =
        net.change(|parameters| refused = order.apply(&mut parameters.impairments).err()).await;
    changed.map_err(|error| match error {
        LocalNetError::Change(ChangeError::Parameters(error)) => bad(error.to_string()),
        error => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    })?;
    if let Some(refused) = refused {
        return Err(bad(refused.to_string()));
    }
    let document = net.follower().last();
    Ok(Impairments { rules: document.as_deref().map(list).unwrap_or_default() })
}
