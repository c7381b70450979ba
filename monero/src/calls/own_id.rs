//! An answer gets back the id that its question had.

use serde_json::Value;

use super::Call;

/// As much of an answer is looked at: the id of a result is at its beginning, and an error is short.
pub const LOOKED_AT: usize = 4096;

impl Call {
    /// The id of every call: wallets have this one.
    pub const ID: &str = "0";

    /// Whether its maker gave another id than [`Call::ID`], and expects that in the answer.
    #[must_use]
    pub fn has_own_id(&self) -> bool {
        self.method.is_some() && self.id != Self::ID
    }

    /// An answer, or its first [`LOOKED_AT`] bytes, with the id that the call's maker gave.
    ///
    /// monerod sorts the names of an answer, so that `id` comes before `result`, and after `error`.
    #[must_use]
    pub fn with_own_id(&self, answer: Vec<u8>) -> Vec<u8> {
        if !self.has_own_id() {
            return answer;
        }
        if let Some(rest) = after_first_id(&answer) {
            return [format!("{{\n  \"id\": {}", self.id).as_bytes(), rest].concat();
        }
        if answer.len() <= LOOKED_AT
            && let Ok(Value::Object(mut fields)) = serde_json::from_slice(&answer)
            && fields.get("id").is_some_and(|id| id == Self::ID)
        {
            fields.insert("id".to_owned(), self.id.clone());
            return Value::Object(fields).to_string().into_bytes();
        }
        answer
    }
}

/// What follows [`Call::ID`] in an object that begins with it. Releases of monerod differ in what they
/// have between words.
fn after_first_id(answer: &[u8]) -> Option<&[u8]> {
    let words: [&[u8]; 4] = [b"{", b"\"id\"", b":", b"\"0\""];
    words.iter().try_fold(answer, |rest, word| rest.trim_ascii_start().strip_prefix(*word))
}

#[cfg(test)]
mod tests {
    use super::super::judge;

    fn with_own_id(id: &str, answer: &str) -> String {
        let body = format!(r#"{{"method":"get_info","id":{id}}}"#);
        let call = judge("/json_rpc", body.as_bytes()).expect("allowed");
        String::from_utf8(call.with_own_id(answer.into())).expect("text")
    }

    #[test]
    fn an_answer_has_the_id_of_its_maker() {
        // As 0.18.0.0 and 0.18.4.0 write them.
        for end in ["\n", "\r\n"] {
            let answer = format!("{{{end}  \"id\": \"0\",{end}  \"result\": 3{end}}}");
            for id in ["17", r#""a \" b""#] {
                let got: serde_json::Value =
                    serde_json::from_str(&with_own_id(id, &answer)).expect("JSON");
                assert_eq!(got["id"].to_string(), id);
                assert_eq!(got["result"], 3);
            }
            assert_eq!(with_own_id(r#""0""#, &answer), answer);
            // A long answer's beginning.
            let beginning = &answer[..answer.len() - 2];
            assert!(with_own_id("17", beginning).contains("\"id\": 17,"), "{beginning}");
            let error =
                format!("{{{end}  \"error\": {{ \"code\": -9 }},{end}  \"id\": \"0\"{end}}}");
            let expected = r#"{"error":{"code":-9},"id":17}"#;
            assert_eq!(with_own_id("17", &error), expected);
        }
    }

    #[test]
    fn what_has_no_id_of_ours_stays() {
        for other in ["else", r#"{"id": "00"}"#, r#"{"result":{"id":"0"}}"#, "", "{"] {
            assert_eq!(with_own_id("17", other), other);
        }
    }
}
