//! What an API server's refusals mean here.

use std::error::Error as _;

/// Why a call did not do what it should.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No answer, or none worth the name: it may be better soon.
    Away(String),
    /// The Secret is not there, or may not be made.
    Missing,
    /// It is not what it was: look again.
    Changed,
    /// Another directory writes it.
    Taken,
    /// This account may not.
    Refused(String),
    /// To try again does not help.
    Final(String),
}

pub(super) fn trouble(error: &kube::Error) -> Trouble {
    let kube::Error::Api(status) = error else {
        return Trouble::Away(whole(error));
    };
    let said: String = status.message.chars().filter(|c| !c.is_control()).take(300).collect();
    match status.code {
        404 => Trouble::Missing,
        409 => Trouble::Changed,
        401 | 403 => Trouble::Refused(format!(
            "the API server refuses ({said}): this directory's service account has to get and patch it"
        )),
        // It asks for patience, or is in trouble itself.
        408 | 429 | 500.. => {
            Trouble::Away(format!("the API server answers {}: {said}", status.code))
        }
        code => Trouble::Final(format!("the API server answers {code}: {said}")),
    }
}

/// An error with its causes; kube's own words are often only `ServiceError`.
fn whole(error: &kube::Error) -> String {
    let mut text = format!("the API server cannot be reached: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.chars().take(500).collect()
}
