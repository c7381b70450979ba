//! What was applied, so that nothing is applied twice.

#![deny(clippy::disallowed_methods)]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Ours;
use crate::controller::facts::{Cached, ObjectKey};
use crate::controller::fingerprint::Fingerprint;

/// How long the watch may take to tell of an object that was just made.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// What is to be done with an object that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: it is as it was applied.
    Unchanged,
    /// It is to be applied: it is ours.
    Apply,
    /// It does not seem to be there: it is to be made, if so.
    Create,
    /// It is on its way out, and can be made when it is gone.
    Leaving,
    /// It is somebody else's, and is left alone.
    Foreign,
}

/// What the API server answered to our last apply of an object.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    hash: String,
    fingerprint: Option<Fingerprint>,
    /// The version that the cache had then; nothing: it did not know the object.
    known: Option<String>,
    at: Instant,
}

/// What was applied by this process.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    entries: HashMap<ObjectKey, Entry>,
}

impl Memory {
    /// What to do with an object with this hash that is wanted, and that the cache knows as this.
    pub(crate) fn judge(
        &self,
        key: &ObjectKey,
        hash: &str,
        cached: Option<&Cached>,
        ours: &Ours,
        now: Instant,
    ) -> Verdict {
        let entry = self.entries.get(key).filter(|entry| entry.hash == hash);
        let Some(cached) = cached else {
            // The watch has not told of it yet; if it was deleted since, the watch tells of that,
            // and it is forgotten here.
            let young =
                entry.is_some_and(|entry| entry.known.is_none() && now < entry.at + SEEN_WITHIN);
            return if young { Verdict::Unchanged } else { Verdict::Create };
        };
        match ours.judge(cached.controller.as_ref()) {
            Whose::Ours if cached.deleting => return Verdict::Leaving,
            Whose::Ours => {}
            Whose::Predecessors => return Verdict::Leaving,
            Whose::Others => return Verdict::Foreign,
        }
        let unchanged = entry.is_some_and(|entry| {
            // What the cache has is from before the apply, or has what was applied.
            entry.known.as_ref() == Some(&cached.resource_version)
                || (entry.fingerprint.is_some() && entry.fingerprint == cached.fingerprint)
        });
        if unchanged { Verdict::Unchanged } else { Verdict::Apply }
    }

    /// An object was applied, when the cache knew it as this, and this was the answer.
    pub(crate) fn applied(
        &mut self,
        key: ObjectKey,
        hash: String,
        cached: Option<&Cached>,
        fingerprint: Option<Fingerprint>,
        now: Instant,
    ) {
        let known = cached.map(|cached| cached.resource_version.clone());
        self.entries.insert(key, Entry { hash, fingerprint, known, at: now });
    }

    /// An object is gone.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        self.entries.remove(key);
    }

    /// Another replica may have applied since.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

/// Whose an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Ours,
    /// One that had our owner's name and was deleted: this goes, too.
    Predecessors,
    Others,
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};

    use super::*;
    use crate::api::FIELD_MANAGER;
    use crate::controller::facts::{Controller, Facts};
    use crate::controller::fingerprint::fingerprint;

    fn print(field: &str) -> Option<Fingerprint> {
        fingerprint(&[ManagedFieldsEntry {
            manager: Some(FIELD_MANAGER.to_owned()),
            fields_v1: Some(FieldsV1(serde_json::json!({ field: {} }))),
            ..ManagedFieldsEntry::default()
        }])
    }

    fn ours() -> Ours {
        Ours {
            kind: "Mixnet",
            namespace: "n".to_owned(),
            name: "m".to_owned(),
            uid: "uid-1".to_owned(),
        }
    }

    fn key() -> ObjectKey {
        ObjectKey {
            kind: "Service".to_owned(),
            namespace: "n".to_owned(),
            name: "m-nodes".to_owned(),
        }
    }

    fn cached(version: &str, field: &str) -> Cached {
        Cached {
            key: key(),
            uid: "uid-2".to_owned(),
            resource_version: version.to_owned(),
            fingerprint: print(field),
            mixnet: Some("m".to_owned()),
            broadcast: None,
            controller: Some(Controller {
                kind: "Mixnet".to_owned(),
                name: "m".to_owned(),
                uid: "uid-1".to_owned(),
            }),
            deleting: false,
            facts: Facts::Nothing,
        }
    }

    /// A fixed time, from which tests count.
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn what_was_applied_is_not_applied_again_until_it_differs() {
        let (mut memory, now) = (Memory::default(), start());
        let old = cached("1", "before");
        let judge = |memory: &Memory, hash: &str, cached: &Cached| {
            memory.judge(&key(), hash, Some(cached), &ours(), now)
        };
        assert_eq!(judge(&memory, "h", &old), Verdict::Apply, "after a start, once");
        memory.applied(key(), "h".to_owned(), Some(&old), print("ours"), now);
        assert_eq!(judge(&memory, "h", &old), Verdict::Unchanged, "the watch is behind");
        let new = cached("2", "ours");
        assert_eq!(judge(&memory, "h", &new), Verdict::Unchanged);
        assert_eq!(judge(&memory, "h", &cached("3", "ours")), Verdict::Unchanged, "a status");
        assert_eq!(judge(&memory, "h", &cached("4", "less")), Verdict::Apply, "edited");
        assert_eq!(judge(&memory, "other", &new), Verdict::Apply, "the spec has changed");
    }

    #[test]
    fn what_was_made_is_not_made_again_while_the_watch_is_behind() {
        let (mut memory, now) = (Memory::default(), start());
        let judge = |memory: &Memory, after: Duration| {
            memory.judge(&key(), "h", None, &ours(), now + after)
        };
        assert_eq!(judge(&memory, Duration::ZERO), Verdict::Create);
        memory.applied(key(), "h".to_owned(), None, print("ours"), now);
        assert_eq!(judge(&memory, Duration::ZERO), Verdict::Unchanged);
        assert_eq!(judge(&memory, SEEN_WITHIN), Verdict::Create, "it never came");
        memory.forget(&key());
        assert_eq!(judge(&memory, Duration::ZERO), Verdict::Create, "it was deleted");
    }

    #[test]
    fn what_was_there_and_is_gone_is_made_again_at_once() {
        let (mut memory, now) = (Memory::default(), start());
        memory.applied(key(), "h".to_owned(), Some(&cached("1", "x")), print("ours"), now);
        assert_eq!(memory.judge(&key(), "h", None, &ours(), now), Verdict::Create);
    }

    #[test]
    fn what_others_own_is_left_alone() {
        let memory = Memory::default();
        let judge = |cached: &Cached| memory.judge(&key(), "h", Some(cached), &ours(), start());
        let mut object = cached("1", "x");
        object.controller = None;
        assert_eq!(judge(&object), Verdict::Foreign);
        object.controller = Some(Controller {
            kind: "Mixnet".to_owned(),
            name: "m".to_owned(),
            uid: "of the one before".to_owned(),
        });
        assert_eq!(judge(&object), Verdict::Leaving, "the garbage collector takes it");
        let mut object = cached("1", "x");
        object.deleting = true;
        assert_eq!(judge(&object), Verdict::Leaving);
    }
}
