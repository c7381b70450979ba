//! What is asked of monerod, as far as it may be.

use mixbed_wire::message::RpcRequest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::allowed::{self, Again, JSON_RPC};

/// A request that may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Permitted {
    /// Where to.
    pub(super) path: String,
    /// What the body is.
    pub(super) content_type: String,
    /// The body.
    pub(super) body: Vec<u8>,
    /// Whether it may be made again when nobody knows what became of it.
    pub(super) again: Again,
}

/// Why a request is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The path is not on the list.
    #[error("{0} is not among what a wallet may ask this provider's monerod for")]
    Path(String),
    /// The method of `/json_rpc` is not on the list.
    #[error("the method {0} is not among what a wallet may ask this provider's monerod for")]
    Method(String),
    /// Several calls at once, which monerod does not take either.
    #[error("the body is a list of calls: monerod takes one call a request")]
    Batch,
    /// The body is no call.
    #[error("the body is no JSON-RPC call: {0}")]
    NoCall(String),
}

/// A call as monerod gets it: written anew, so that what was judged is what monerod reads, however
/// it understands a name that comes twice or an escaped letter.
#[derive(Serialize, Deserialize)]
struct Call {
    #[serde(default = "version")]
    jsonrpc: String,
    #[serde(default)]
    id: Value,
    method: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    params: Value,
}

fn version() -> String {
    "2.0".to_owned()
}

/// The most characters of a stranger's that are quoted.
const MAX_QUOTED: usize = 100;

fn shown(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(MAX_QUOTED).collect()
}

/// Judges a request.
pub(super) fn judge(request: RpcRequest) -> Result<Permitted, Refusal> {
    let RpcRequest { path, content_type, body } = request;
    if path != JSON_RPC {
        let allowed = allowed::path(&path).ok_or_else(|| Refusal::Path(path.clone()))?;
        return Ok(Permitted { path, content_type, body, again: allowed.again });
    }
    let no_call = |error: serde_json::Error| Refusal::NoCall(shown(&error.to_string()));
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Refusal::Batch);
    }
    let call: Call = serde_json::from_slice(&body).map_err(no_call)?;
    let allowed =
        allowed::method(&call.method).ok_or_else(|| Refusal::Method(shown(&call.method)))?;
    let body = serde_json::to_vec(&call).map_err(no_call)?;
    let content_type = "application/json".to_owned();
    Ok(Permitted { path, content_type, body, again: allowed.again })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, body: &str) -> Result<Permitted, Refusal> {
        let content_type = "text/plain".to_owned();
        judge(RpcRequest { path: path.to_owned(), content_type, body: body.into() })
    }

    #[test]
    fn what_is_allowed_goes_on_as_it_is() {
        let permitted = asked("/getblocks.bin", "\u{1}\u{11}").expect("allowed");
        assert_eq!((permitted.body.as_slice(), permitted.again), (&[1, 0x11][..], Again::Yes));
        assert_eq!(permitted.content_type, "text/plain");
        let sends = asked("/sendrawtransaction", "{}").expect("allowed");
        assert_eq!(sends.again, Again::No, "its maker says whether it is sent again");
        for path in ["/stop_daemon", "/json_rpc/", "//json_rpc", "/getblocks", "/start_mining"] {
            assert_eq!(asked(path, "{}"), Err(Refusal::Path(path.to_owned())));
        }
    }

    #[test]
    fn calls_are_judged_by_their_method_and_written_anew() {
        let call =
            r#"{"id":"0","jsonrpc":"2.0","method":"get_fee_estimate","params":{"grace":10}}"#;
        let permitted = asked("/json_rpc", call).expect("allowed");
        let (before, after): (Value, Value) = (
            serde_json::from_str(call).expect("JSON"),
            serde_json::from_slice(&permitted.body).expect("JSON"),
        );
        assert_eq!(before, after);
        // What a parser may read otherwise does not reach monerod.
        let odd = r#"{"m\u0065thod" : "get_info", "other": "x", "params": []}"#;
        let permitted = asked("/json_rpc", odd).expect("allowed");
        let written = String::from_utf8(permitted.body).expect("text");
        assert_eq!(written, r#"{"jsonrpc":"2.0","id":null,"method":"get_info","params":[]}"#);

        for batch in [r#" [{"method":"get_info"}]"#, "[]", &"[".repeat(100_000)] {
            assert_eq!(asked("/json_rpc", batch), Err(Refusal::Batch), "{batch:.60}");
        }
        assert_eq!(
            asked("/json_rpc", r#"{"method":"generateblocks"}"#),
            Err(Refusal::Method("generateblocks".to_owned()))
        );
        let long = format!(r#"{{"method":"\n{}"}}"#, "a".repeat(500));
        assert_eq!(asked("/json_rpc", &long), Err(Refusal::Method("a".repeat(MAX_QUOTED))));
        for body in [
            "",
            "{}",
            "null",
            r#"{"method":7}"#,
            r#"{"method":"get_info","method":"stop_daemon"}"#,
            r#"{"method":"get_info"}{"method":"stop_daemon"}"#,
            &format!(
                r#"{{"method":"get_info","params":{}1{}}}"#,
                "[".repeat(5000),
                "]".repeat(5000)
            ),
        ] {
            assert!(matches!(asked("/json_rpc", body), Err(Refusal::NoCall(_))), "{body:.60}");
        }
    }

    #[test]
    fn large_numbers_stay_what_they_are() {
        let call = r#"{"method":"get_info","params":{"a":18446744073709551615}}"#;
        let body = asked("/json_rpc", call).expect("allowed").body;
        assert!(String::from_utf8(body).expect("text").contains("18446744073709551615"));
    }
}
