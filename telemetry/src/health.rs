//! Whether a process is ready, and if not, why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The name of the condition that [`Health::set_ready`] and [`Health::set_not_ready`] set.
const MAIN: &str = "";

/// Whether a process is ready: when every condition is. Cheap to clone; clones share the state.
/// Starts as not ready, because of `starting`.
#[derive(Clone, Debug)]
pub struct Health {
    /// Each condition, and why it is not met.
    conditions: Arc<Mutex<BTreeMap<String, Option<String>>>>,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// Not ready: `starting`.
    #[must_use]
    pub fn new() -> Self {
        let health = Self { conditions: Arc::default() };
        health.set_not_ready("starting".to_owned());
        health
    }

    fn conditions(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready (if all named conditions are met, too), or not ready without a reason.
    pub fn set_ready(&self, ready: bool) {
        self.put(MAIN, (!ready).then(|| "not ready".to_owned()));
    }

    /// Not ready, for this reason, until [`set_ready`](Self::set_ready).
    pub fn set_not_ready(&self, reason: String) {
        self.put(MAIN, Some(reason));
    }

    /// A condition that must be met besides the others, such as `directory`. Not met until it is
    /// said to be. The same name is the same condition.
    #[must_use]
    pub fn condition(&self, name: &str) -> Condition {
        self.conditions().entry(name.to_owned()).or_insert_with(|| Some("not met yet".to_owned()));
        Condition { health: self.clone(), name: name.to_owned() }
    }

    /// Why it is not ready, one reason for each condition that is not met, each on one line.
    /// Empty: it is ready.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let conditions = self.conditions();
        let unmet = conditions.iter().filter_map(|(name, why)| Some((name, why.as_ref()?)));
        unmet
            .map(|(name, why)| if name == MAIN { why.clone() } else { format!("{name}: {why}") })
            .map(|line| line.replace(['\n', '\r'], " "))
            .collect()
    }

    /// Whether every condition is met.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.conditions().values().all(Option::is_none)
    }

    fn put(&self, name: &str, unmet: Option<String>) {
        self.conditions().insert(name.to_owned(), unmet);
    }
}

/// One condition of a [`Health`].
#[derive(Clone, Debug)]
pub struct Condition {
    health: Health,
    name: String,
}

impl Condition {
    /// It is met.
    pub fn met(&self) {
        self.health.put(&self.name, None);
    }

    /// It is not met, for this reason.
    pub fn unmet(&self, reason: impl Into<String>) {
        self.health.put(&self.name, Some(reason.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_when_every_condition_is_met() {
        let health = Health::new();
        assert_eq!(health.reasons(), ["starting"]);
        let directory = health.condition("directory");
        health.set_ready(true);
        assert_eq!(health.reasons(), ["directory: not met yet"]);
        assert!(!health.is_ready());
        directory.met();
        assert!(health.is_ready());
        assert!(health.reasons().is_empty());

        let _ = health.condition("directory");
        assert!(health.is_ready(), "asking for a condition again must not reset it");

        directory.unmet("no answer\nfrom 127.0.0.1");
        health.set_not_ready("draining".to_owned());
        assert_eq!(health.reasons(), ["draining", "directory: no answer from 127.0.0.1"]);
        health.set_ready(false);
        assert_eq!(health.reasons()[0], "not ready");
    }
}
