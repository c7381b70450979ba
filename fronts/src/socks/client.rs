//! The client as what connects.

use std::time::Duration;

use mixbed_client::{Client, Code, Reason, Stream, StreamError, StreamOptions};

use super::dial::{Dial, Refused};
use super::protocol::{Isolation, Refusal, Target};

/// The service of providers that connects.
const SERVICE: &str = "tcp";

impl Dial for Client {
    type Stream = Stream;

    async fn dial(
        &self,
        target: &Target,
        isolation: Option<&Isolation>,
        deadline: Duration,
    ) -> Result<Stream, Refused> {
        let isolation = isolation.map(|name| name.0.clone());
        let options = StreamOptions { deadline, isolation, ..StreamOptions::default() };
        self.open(SERVICE, &target.to_string(), options).await.map_err(|error| refused(&error))
    }

    fn reset(stream: Stream, why: &str) {
        stream.reset(Reason::new(Code::Closed, why));
    }
}

fn refused(error: &StreamError) -> Refused {
    let code = match error {
        StreamError::Refused { reason, .. } => of_code(reason.code()),
        // The provider was asked, and has not said anything.
        StreamError::DeadlinePassed { .. } => Refusal::TimedOut,
        StreamError::NotReady(_)
        | StreamError::NoProvider { .. }
        | StreamError::Invalid(_)
        | StreamError::TooManySessions(_)
        | StreamError::SessionLost { .. }
        | StreamError::Stopped => Refusal::General,
    };
    Refused { code, why: error.to_string() }
}

/// What a provider's reason is in SOCKS.
fn of_code(code: Code) -> Refusal {
    match code {
        Code::Forbidden => Refusal::Forbidden,
        Code::NameNotFound => Refusal::HostUnreachable,
        Code::Unreachable => Refusal::NetworkUnreachable,
        Code::Refused => Refusal::Refused,
        Code::TimedOut => Refusal::TimedOut,
        Code::Busy
        | Code::UnknownService
        | Code::Closed
        | Code::Failed
        | Code::SessionLost
        | Code::IdleTooLong
        | Code::Stopped => Refusal::General,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_has_its_code_and_its_words() {
        let of = |code, words| {
            let reason = Reason::new(code, words);
            refused(&StreamError::Refused { provider: "provider-0".to_owned(), reason })
        };
        let found = Code::ALL.map(|code| of(code, "").code as u8);
        assert_eq!(found, [2, 4, 5, 3, 6, 1, 1, 1, 1, 1, 1, 1]);
        let refused = of(Code::Forbidden, "port 25 is not on its list");
        for words in ["provider-0", "does not allow", "port 25 is not on its list"] {
            assert!(refused.why.contains(words), "{}", refused.why);
        }
    }

    #[test]
    fn a_network_that_is_away_is_a_general_failure_and_silence_a_time_out() {
        let deadline = Duration::from_secs(1);
        let provider = "provider-0".to_owned();
        let silent = StreamError::DeadlinePassed { provider, deadline };
        assert_eq!(refused(&silent).code, Refusal::TimedOut);
        let state = mixbed_client::State::Connecting;
        let away = mixbed_client::NotReady { waited: deadline, state };
        let away = refused(&away.into());
        assert_eq!(away.code, Refusal::General);
        assert!(away.why.contains("not ready"), "{}", away.why);
    }
}
