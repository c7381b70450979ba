//! A wallet's request, judged and written anew.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::epee;
use super::list::{self, Again, Allowed, JSON_RPC, POSITION};

/// A request that may be made, as monerod gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Where to.
    pub path: &'static str,
    /// The method of JSON-RPC, if it is that.
    pub method: Option<&'static str>,
    /// What the body is.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// Whether it may be made again when nobody knows what became of it.
    pub again: Again,
    /// The id that its maker gave a call of JSON-RPC. The call has [`Call::ID`] instead.
    pub id: Value,
}

/// Why a request is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The path is not on the list.
    #[error("{0} is not among what a wallet may ask a provider's monerod for")]
    Path(String),
    /// The method of `/json_rpc` is not on the list.
    #[error("the method {0} is not among what a wallet may ask a provider's monerod for")]
    Method(String),
    /// Several calls at once, which monerod does not take either.
    #[error("the body is a list of calls: monerod takes one call a request")]
    Batch,
    /// The body is no call.
    #[error("the body is no JSON-RPC call: {0}")]
    NoCall(String),
    /// The body has no fields that can be read.
    #[error("the body of {0} is no list of fields")]
    NoFields(&'static str),
}

/// A call as it is read. A name that comes twice is an error; what else there is does not go on.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    id: Value,
    method: String,
    #[serde(default)]
    params: Value,
}

/// A call as monerod gets it.
#[derive(Serialize)]
struct Written {
    jsonrpc: &'static str,
    id: &'static str,
    method: &'static str,
    params: Value,
}

/// The most characters of a stranger's that are quoted.
const MAX_QUOTED: usize = 100;

/// An id longer than this, in bytes of JSON, is nobody's.
const MAX_ID: usize = 256;

fn shown(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(MAX_QUOTED).collect()
}

/// Judges a request by its path and body.
///
/// # Errors
/// What is wrong with it, in words for whoever made it.
pub fn judge(path: &str, body: &[u8]) -> Result<Call, Refusal> {
    if path == JSON_RPC {
        return judge_call(body);
    }
    let allowed = list::path(path).ok_or_else(|| Refusal::Path(shown(path)))?;
    let no_fields = || Refusal::NoFields(allowed.name);
    let (content_type, body) = if allowed.is_binary() {
        let keeps = |name: &str| allowed.fields.contains(&name);
        ("application/octet-stream", epee::filtered(body, keeps).ok_or_else(no_fields)?)
    } else {
        let fields = match body.trim_ascii() {
            [] => Map::new(),
            body => serde_json::from_slice(body).map_err(|_| no_fields())?,
        };
        ("application/json", Value::Object(kept(allowed, fields)).to_string().into_bytes())
    };
    let (method, id) = (None, Value::Null);
    Ok(Call { path: allowed.name, method, content_type, body, again: allowed.again, id })
}

fn judge_call(body: &[u8]) -> Result<Call, Refusal> {
    let no_call = |error: serde_json::Error| Refusal::NoCall(shown(&error.to_string()));
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Refusal::Batch);
    }
    let Asked { id, method, params } = serde_json::from_slice(body).map_err(no_call)?;
    if !matches!(id, Value::Null | Value::Number(_) | Value::String(_)) {
        return Err(Refusal::NoCall("an id is a number or a string".to_owned()));
    }
    if id.to_string().len() > MAX_ID {
        return Err(Refusal::NoCall(format!("an id has at most {MAX_ID} bytes")));
    }
    let allowed = list::method(&method).ok_or_else(|| Refusal::Method(shown(&method)))?;
    let params = match params {
        Value::Array(numbers) if allowed.fields == POSITION => {
            if numbers.len() > 1 || !numbers.iter().all(Value::is_u64) {
                return Err(Refusal::NoFields(allowed.name));
            }
            Value::Array(numbers)
        }
        Value::Object(fields) => Value::Object(kept(allowed, fields)),
        // What has no fields takes a list of none as well.
        Value::Null => Value::Object(Map::new()),
        Value::Array(none) if none.is_empty() => Value::Object(Map::new()),
        _ => return Err(Refusal::NoFields(allowed.name)),
    };
    let written = Written { jsonrpc: "2.0", id: Call::ID, method: allowed.name, params };
    Ok(Call {
        path: JSON_RPC,
        method: Some(allowed.name),
        content_type: "application/json",
        body: serde_json::to_vec(&written).map_err(no_call)?,
        again: allowed.again,
        id,
    })
}

/// The fields that the call has, sorted.
fn kept(allowed: &Allowed, fields: Map<String, Value>) -> Map<String, Value> {
    let mut fields: Vec<_> =
        fields.into_iter().filter(|(name, _)| allowed.fields.contains(&name.as_str())).collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    fields.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::epee::tests::request;
    use super::*;

    fn written(path: &str, body: &str) -> String {
        String::from_utf8(judge(path, body.as_bytes()).expect("allowed").body).expect("text")
    }

    #[test]
    fn a_request_has_one_name_and_its_own_fields() {
        let call =
            judge("/gettransactions", br#"{"split":true,"client":"key","txs_hashes":["a"]}"#)
                .expect("allowed");
        assert_eq!((call.path, call.content_type), ("/get_transactions", "application/json"));
        assert_eq!(call.body, br#"{"split":true,"txs_hashes":["a"]}"#);
        assert_eq!(call.again, Again::Yes);
        for body in ["", " ", "{}", r#"{"client":"key"}"#, r#"{"anything":[1]}"#] {
            assert_eq!(written("/getinfo", body), "{}", "{body}");
        }
        let (key, yes) = (&[10, 3 << 2, b'k', b'e', b'y'][..], &[11, 1][..]);
        let bytes = request(&[("prune", yes), ("client", key), ("other", key)]);
        let call = judge("/getblocks.bin", &bytes).expect("allowed");
        assert_eq!((call.path, call.body), ("/get_blocks.bin", request(&[("prune", yes)])));
        // As stock wallets send it, and monerod reads it.
        assert_eq!(written("/get_transaction_pool_hashes.bin", r#"{"client":"key"}"#), "{}");
        let sends = judge("/sendrawtransaction", b"{}").expect("allowed");
        assert_eq!(sends.again, Again::No, "its maker says whether it is sent again");
    }

    #[test]
    fn what_is_not_listed_or_has_no_fields_is_refused() {
        for path in ["/stop_daemon", "/json_rpc/", "//json_rpc", "/getblocks", "/start_mining"] {
            assert_eq!(judge(path, b"{}"), Err(Refusal::Path(path.to_owned())));
        }
        for (path, body) in [
            ("/getblocks.bin", "{}"),
            ("/get_info", "["),
            ("/get_info", "[]"),
            ("/get_info", "{} {}"),
            ("/get_outs", "\u{1}\u{11}"),
        ] {
            assert!(
                matches!(judge(path, body.as_bytes()), Err(Refusal::NoFields(_))),
                "{path} {body}"
            );
        }
    }

    #[test]
    fn calls_are_judged_by_their_method_and_written_anew() {
        let call = r#"{"id":"7","jsonrpc":"2.0","method":"get_fee_estimate","params":{"client":"key","grace_blocks":10}}"#;
        let expected = r#"{"jsonrpc":"2.0","id":"0","method":"get_fee_estimate","params":{"grace_blocks":10}}"#;
        assert_eq!(written("/json_rpc", call), expected);
        // What a parser may read otherwise does not reach monerod.
        let odd = r#"{"m\u0065thod" : "get_info", "other": "x", "params": []}"#;
        let expected = r#"{"jsonrpc":"2.0","id":"0","method":"get_info","params":{}}"#;
        assert_eq!(written("/json_rpc", odd), expected);
        let old = r#"{"method":"on_get_block_hash","params":[18446744073709551615]}"#;
        let expected = r#"{"jsonrpc":"2.0","id":"0","method":"get_block_hash","params":[18446744073709551615]}"#;
        assert_eq!(written("/json_rpc", old), expected);

        let judge = |body: &str| judge("/json_rpc", body.as_bytes());
        for batch in [r#" [{"method":"get_info"}]"#, "[]", &"[".repeat(100_000)] {
            assert_eq!(judge(batch), Err(Refusal::Batch), "{batch:.60}");
        }
        let method = |name: &str| Err(Refusal::Method(name.to_owned()));
        assert_eq!(judge(r#"{"method":"generateblocks"}"#), method("generateblocks"));
        let long = format!(r#"{{"method":"\n{}"}}"#, "a".repeat(500));
        assert_eq!(judge(&long), method(&"a".repeat(MAX_QUOTED)));
        for body in [
            "",
            "{}",
            "null",
            r#"{"method":7}"#,
            r#"{"method":"get_info","id":{}}"#,
            r#"{"method":"get_info","method":"stop_daemon"}"#,
            r#"{"method":"get_info"}{"method":"stop_daemon"}"#,
            &format!(r#"{{"method":"get_info","id":"{}"}}"#, "a".repeat(300)),
            &format!(
                r#"{{"method":"get_info","params":{}1{}}}"#,
                "[".repeat(5000),
                "]".repeat(5000)
            ),
        ] {
            assert!(matches!(judge(body), Err(Refusal::NoCall(_))), "{body:.60}");
        }
        for params in ["7", "[7]", r#""x""#] {
            let body = format!(r#"{{"method":"get_info","params":{params}}}"#);
            assert_eq!(judge(&body), Err(Refusal::NoFields("get_info")), "{params}");
        }
        for params in ["[1,2]", r#"["x"]"#, "[-1]"] {
            let body = format!(r#"{{"method":"get_block_hash","params":{params}}}"#);
            assert_eq!(judge(&body), Err(Refusal::NoFields("get_block_hash")), "{params}");
        }
    }

    /// What was judged once is what is judged again at the provider.
    #[test]
    fn a_judged_request_stays_as_it_is() {
        let bytes = request(&[("heights", &[0x85, 0]), ("client", &[10, 0])]);
        let requests: [(&str, &[u8]); 3] = [
            ("/getblocks_by_height.bin", &bytes),
            ("/get_outs", br#"{"outputs":[{"index":1,"amount":0}]}"#),
            ("/json_rpc", br#"{"method":"getblock","params":{"height":3},"id":9}"#),
        ];
        for (path, body) in requests {
            let once = judge(path, body).expect("allowed");
            let twice = judge(once.path, &once.body).expect("allowed");
            assert_eq!((twice.path, &twice.body), (once.path, &once.body), "{path}");
        }
    }
}
