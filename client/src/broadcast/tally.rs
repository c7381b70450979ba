//! What the tries so far have come to.

#![deny(clippy::disallowed_methods)]

use std::time::Duration;

use super::BroadcastError;

/// The failed tries of one broadcast.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The most telling error.
    worst: Option<BroadcastError>,
    /// Each provider's last error in words, in the order of the first tries.
    words: Vec<(String, String)>,
}

impl Tally {
    /// Takes a failed try. Of two errors the more telling one is kept, of equal ones the later.
    pub(super) fn insert(&mut self, provider: &str, error: BroadcastError) {
        let words = match &error {
            BroadcastError::DeadlinePassed { tried, .. } => tried.clone(),
            other => other.to_string(),
        };
        match self.words.iter_mut().find(|(name, _)| name == provider) {
            Some((_, last)) => *last = words,
            None => self.words.push((provider.to_owned(), words)),
        }
        if self.worst.as_ref().is_none_or(|worst| weight(&error) >= weight(worst)) {
            self.worst = Some(error);
        }
    }

    /// What the caller is told at the end. `why`: why nothing was sent, if nothing was.
    pub(super) fn error(self, deadline: Duration, why: &str) -> BroadcastError {
        match self.worst {
            None => BroadcastError::NotReady { why: why.to_owned() },
            Some(BroadcastError::DeadlinePassed { .. }) => {
                let tried: Vec<_> = self.words.into_iter().map(|(_, words)| words).collect();
                BroadcastError::DeadlinePassed { deadline, tried: tried.join("; ") }
            }
            Some(other) => other,
        }
    }
}

/// How much an error tells: a provider's own words more than silence, and silence more than that
/// nothing was sent, which is true only of a broadcast that sent nothing anywhere.
fn weight(error: &BroadcastError) -> u8 {
    match error {
        BroadcastError::NotReady { .. } => 0,
        BroadcastError::DeadlinePassed { .. } => 1,
        BroadcastError::Unavailable { .. } => 3,
        BroadcastError::WrongTransaction { .. } | BroadcastError::Unverifiable { .. } => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn not_ready() -> BroadcastError {
        BroadcastError::NotReady { why: "no link".to_owned() }
    }

    fn silent() -> BroadcastError {
        BroadcastError::DeadlinePassed { deadline: MINUTE / 2, tried: "to a: 3 sent".to_owned() }
    }

    #[test]
    fn nothing_was_sent_only_if_no_try_sent_anything() {
        let mut tally = Tally::default();
        tally.insert("a", not_ready());
        let BroadcastError::NotReady { .. } = tally.error(MINUTE, "") else { panic!("sent?") };
        for errors in [[silent(), not_ready()], [not_ready(), silent()]] {
            let mut tally = Tally::default();
            for (provider, error) in ["a", "b"].into_iter().zip(errors) {
                tally.insert(provider, error);
            }
            let error = tally.error(MINUTE, "no link");
            let BroadcastError::DeadlinePassed { deadline, tried } = error else { panic!() };
            assert_eq!(deadline, MINUTE);
            assert!(tried.contains("3 sent") && tried.contains("no link"), "{tried}");
        }
    }

    #[test]
    fn the_most_telling_error_is_told_and_words_do_not_grow_with_the_tries() {
        let mut tally = Tally::default();
        for _ in 0..100 {
            let words = "connection refused".to_owned();
            tally.insert("a", BroadcastError::Unavailable { words, provider: "a".to_owned() });
            tally.insert("a", silent());
        }
        assert_eq!(tally.words.len(), 1);
        let error = tally.error(MINUTE, "");
        assert!(matches!(error, BroadcastError::Unavailable { .. }), "{error}");
    }
}
