//! The newest ballot of each authority, and the opinions that belong to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::opinion::digest;
use super::timing::{BALLOT_DUE, DELTA, is_fresh, passed};
use super::{Digest, Evidence, Opinion, SignedBallot};
use crate::identity::IdentityPublic;

/// An authority's newest ballot.
#[derive(Debug)]
struct Held {
    signed: SignedBallot,
    /// Since when its opinion is known too.
    since: Option<SystemTime>,
    /// An older one of it has been known for [`DELTA`].
    settled: Option<u64>,
}

/// The ballots that an authority holds: one for each authority, and two opinions at most.
#[derive(Debug, Default)]
pub(super) struct Ballots {
    held: BTreeMap<IdentityPublic, Held>,
    opinions: BTreeMap<Digest, Arc<Opinion>>,
}

/// What a ballot did.
pub(super) enum Taken {
    /// It is the newest of its authority now.
    New,
    /// It is known, or an older one.
    Known,
    /// It contradicts another one.
    Contradiction(Evidence),
}

impl Ballots {
    /// Takes a ballot.
    pub(super) fn take(&mut self, signed: &SignedBallot, now: SystemTime) -> Taken {
        let ballot = signed.ballot();
        let mut settled = None;
        if let Some(held) = self.held.get(&ballot.authority) {
            if let Some(evidence) = Evidence::of_ballots(&held.signed, signed) {
                return Taken::Contradiction(evidence);
            }
            if ballot.sequence <= held.signed.ballot().sequence {
                return Taken::Known;
            }
            settled = held.settled_at(now);
        }
        let since = self.opinions.contains_key(&ballot.opinion).then_some(now);
        let held = Held { signed: signed.clone(), since, settled };
        self.held.insert(ballot.authority, held);
        Taken::New
    }

    /// Takes an opinion, if a ballot has it or somebody else asks for it.
    pub(super) fn take_opinion(&mut self, opinion: Arc<Opinion>, digest: Digest, now: SystemTime) {
        for held in self.held.values_mut().filter(|it| it.signed.ballot().opinion == digest) {
            held.since.get_or_insert(now);
        }
        self.opinions.insert(digest, opinion);
    }

    /// Forgets the opinions that nobody has, but for those in use.
    pub(super) fn forget_unused(&mut self, used: impl Fn(&Digest) -> bool) {
        let held = &self.held;
        let has = |digest: &Digest| held.values().any(|it| it.signed.ballot().opinion == *digest);
        self.opinions.retain(|digest, _| has(digest) || used(digest));
    }

    pub(super) fn opinion(&self, digest: &Digest) -> Option<&Arc<Opinion>> {
        self.opinions.get(digest)
    }

    /// The newest of an authority.
    pub(super) fn of(&self, authority: &IdentityPublic) -> Option<&SignedBallot> {
        self.held.get(authority).map(|held| &held.signed)
    }

    /// All of them, ascending by authority.
    pub(super) fn iter(&self) -> impl Iterator<Item = &SignedBallot> {
        self.held.values().map(|held| &held.signed)
    }

    /// Those that count for so long, with their opinions.
    pub(super) fn countable(
        &self,
        life: Duration,
        now: SystemTime,
    ) -> impl Iterator<Item = (&SignedBallot, &Arc<Opinion>)> {
        self.iter().filter(move |it| is_fresh(it.ballot().made_at, life, now)).filter_map(|it| {
            let opinion = self.opinions.get(&it.ballot().opinion)?;
            Some((it, opinion))
        })
    }

    /// The opinions that are missing.
    pub(super) fn missing(&self) -> impl Iterator<Item = Digest> {
        let digests = self.iter().map(|it| it.ballot().opinion);
        digests.filter(|digest| !self.opinions.contains_key(digest))
    }

    /// An authority whose ballot a proposal leaves out that has been there for long enough to be in
    /// it: as old ones as that, or none of it at all.
    pub(super) fn left_out(
        &self,
        proposed: &[SignedBallot],
        except: impl Fn(&IdentityPublic) -> bool,
        now: SystemTime,
    ) -> Option<IdentityPublic> {
        let is_in = |authority: &IdentityPublic, held: &Held| {
            let newest = held.signed.ballot();
            let Some(settled) = held.settled_at(now) else { return true };
            proposed.iter().map(SignedBallot::ballot).any(|it| {
                it.authority == *authority
                    && (it.sequence >= settled || it.opinion == newest.opinion)
            })
        };
        let due = |held: &Held| is_fresh(held.signed.ballot().made_at, BALLOT_DUE, now);
        let mut left_out = self
            .held
            .iter()
            .filter(|(authority, held)| !except(authority) && due(held) && !is_in(authority, held));
        left_out.next().map(|(authority, _)| *authority)
    }
}

impl Held {
    /// The newest sequence that has been known for [`DELTA`], with its opinion.
    fn settled_at(&self, now: SystemTime) -> Option<u64> {
        match self.since {
            Some(since) if passed(since, DELTA, now) => Some(self.signed.ballot().sequence),
            _ => self.settled,
        }
    }
}

/// An opinion's digest and itself, if the bytes are one.
pub(super) fn read_opinion(bytes: &[u8]) -> Option<(Digest, Arc<Opinion>)> {
    Some((digest(bytes), Arc::new(Opinion::from_bytes(bytes).ok()?)))
}
