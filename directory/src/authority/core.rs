//! What an authority decides, without I/O and with the time as an argument.

#![deny(clippy::disallowed_methods)]

mod among_several;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::epochs::Epochs;
use super::freshness::Freshness;
use super::members::{Listing, Member, Members};
use super::pace::{Changes, DocumentPace};
use super::snapshot::{CoreConfig, Issued, Snapshot, Voted};
use crate::admission::Admission;
use crate::document::{Descriptor, Document, Malformed, Parameters, SignedDocument};
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::limits::{GRACE_EPOCHS, TOLERATED_SKEW};
use crate::messages::{Departure, Instruction, Order, Registration, Rejection};
use crate::time::whole_millis;

/// After a change, the next document waits this long for more changes: when a network starts, its
/// nodes come all at once.
pub const DEBOUNCE: Duration = Duration::from_millis(20);

/// What a registering node is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// How long it stays listed unless it registers again.
    pub lease: Duration,
    /// The epoch it is.
    pub epoch: u64,
    /// What its registration did.
    pub listing: Listing,
}

/// What the passing of time brought.
#[derive(Debug, Default)]
pub struct Polled {
    /// Nodes that are not listed any more, as their leases ended.
    pub expired: Vec<Descriptor>,
    /// Whether there is a new document.
    pub issued: bool,
    /// How far in the future the epoch began before another one was begun now: the clock was set
    /// back.
    pub set_back: Option<Duration>,
}

/// The authority: messages go in through `handle_*`, then [`Core::poll`] makes documents of what
/// changed; [`Core::poll_at`] says when to poll again. After either, if [`Core::is_unsaved`],
/// write [`Core::snapshot`] down before telling anyone of the outcome; while [`Core::is_pending`],
/// that can wait.
#[derive(Debug)]
pub struct Core {
    config: CoreConfig,
    secret: IdentitySecret,
    former: Option<IdentitySecret>,
    epochs: Epochs,
    revision: u64,
    parameters: Parameters,
    admission: Admission,
    members: Members,
    freshness: Freshness,
    changes: Changes,
    pace: DocumentPace,
    documents: VecDeque<Issued>,
    changed_at: Option<SystemTime>,
    unsaved: bool,
    /// If it is one of several, how far it has voted: then documents come from all of them, and
    /// this core only says what it would put into them.
    voting: Option<Voted>,
    /// Whether its configuration has other parameters than before: of several, it says so until
    /// enough of the others have them too.
    reconfigured: bool,
    /// Whether the others have to hear what it would put into a document.
    opinion_due: bool,
}

impl Core {
    /// A new network, whose first epoch starts now.
    #[must_use]
    pub fn new(config: CoreConfig, secret: IdentitySecret, now: SystemTime) -> Self {
        let now = whole_millis(now);
        Self {
            epochs: Epochs::begin(now, config.parameters.epoch_length),
            parameters: config.parameters.clone(),
            admission: config.admission.clone(),
            config,
            secret,
            former: None,
            revision: 0,
            members: Members::default(),
            freshness: Freshness::default(),
            changes: Changes::default(),
            pace: DocumentPace::new(now),
            documents: VecDeque::new(),
            changed_at: Some(now),
            unsaved: true,
            voting: None,
            reconfigured: false,
            opinion_due: false,
        }
    }

    /// Goes on where a snapshot was taken. Nodes get a whole lease to register again, as they
    /// could not while the authority was away. Parameters and admission that were changed at run
    /// time stay, unless the configured ones have changed since. What a clock that was ahead has left behind
    /// does not last: epochs go on counting, from now.
    pub fn restore(
        config: CoreConfig,
        snapshot: Snapshot,
        now: SystemTime,
    ) -> Result<Self, Rejection> {
        let now = whole_millis(now);
        let admission = if snapshot.configured_admission == config.admission {
            snapshot.admission
        } else {
            config.admission.clone()
        };
        let mut members = Members::default();
        for Member { descriptor, .. } in snapshot.members {
            if admission.check(&descriptor).is_ok() {
                members.list(descriptor, now + config.lease, now)?;
            }
        }
        let reconfigured = snapshot.configured != config.parameters;
        let mut core = Self {
            config,
            secret: snapshot.secret,
            former: snapshot.former,
            epochs: snapshot.epochs,
            revision: snapshot.revision,
            parameters: snapshot.parameters,
            admission,
            members,
            freshness: Freshness::restore(snapshot.seen, snapshot.last_order, now),
            changes: Changes::default(),
            pace: DocumentPace::new(now),
            documents: snapshot.documents.into(),
            changed_at: None,
            unsaved: false,
            opinion_due: snapshot.voting.is_some(),
            voting: snapshot.voting,
            reconfigured,
        };
        if core.voting.is_none() {
            core.end_future(now);
        }
        if reconfigured {
            core.set_parameters(core.config.parameters.clone(), now);
        } else if !core.is_documented() {
            core.note_change(now);
        }
        Ok(core)
    }

    /// Lists a node, or renews its lease.
    pub fn handle_register(
        &mut self,
        registration: &Registration,
        now: SystemTime,
    ) -> Result<Registered, Rejection> {
        let now = whole_millis(now);
        let verified = registration.verify(
            &self.config.network,
            &self.admission,
            &self.config.join_secrets,
        )?;
        let identity = verified.descriptor.identity;
        self.freshness.check(&identity, verified.issued_at, now)?;
        self.freshness.check_room(&identity)?;
        if !self.members.has(&verified.descriptor) {
            self.changes.check(&identity, now)?;
        }
        let lease = self.config.lease;
        let listing = self.members.list(verified.descriptor, now + lease, now)?;
        self.freshness.note(identity, verified.issued_at);
        if listing != Listing::Renewed {
            self.changes.note(identity, self.epochs.length, now);
            self.note_change(now);
        }
        Ok(Registered { lease, epoch: self.epochs.number, listing })
    }

    /// Takes a node off the list; says what it was, if it was listed.
    pub fn handle_unregister(
        &mut self,
        departure: &Departure,
        now: SystemTime,
    ) -> Result<Option<Descriptor>, Rejection> {
        let now = whole_millis(now);
        let (identity, issued_at) = departure.verify(&self.config.network)?;
        self.freshness.check(&identity, issued_at, now)?;
        let removed = self.members.remove(identity.id());
        if removed.is_some() {
            // Remembered for listed nodes only: anyone can sign departures of fresh identities.
            self.freshness.note(identity, issued_at);
            self.note_change(now);
        }
        Ok(removed)
    }

    /// Carries out an admin's order; says what it was.
    pub fn handle_order(
        &mut self,
        order: &Order,
        now: SystemTime,
    ) -> Result<Instruction, Rejection> {
        let now = whole_millis(now);
        let ordered = order.verify(&self.config.network, &self.config.admins)?;
        let holds = match &ordered.instruction {
            Instruction::Parameters(_) => Some(Instruction::Parameters(self.parameters.clone())),
            Instruction::Admission(_) => Some(Instruction::Admission(self.admission.clone())),
            Instruction::Remove(_) => None,
        };
        let holds = holds.map(|holds| holds.digest());
        if ordered.replaces.is_some() && ordered.replaces != holds {
            return Err(Rejection::Replaced);
        }
        self.freshness.take_order(&ordered, now)?;
        match &ordered.instruction {
            Instruction::Parameters(parameters) => {
                self.reconfigured = false;
                self.set_parameters(parameters.clone(), now);
            }
            Instruction::Admission(admission) => self.admit(admission.clone(), now),
            Instruction::Remove(identity) => {
                self.members.remove(identity.id());
                self.admit(self.admission.without(identity), now);
            }
        }
        Ok(ordered.instruction)
    }

    /// Ends leases and epochs whose time has come, and makes a document if one is due.
    pub fn poll(&mut self, now: SystemTime) -> Result<Polled, Malformed> {
        let now = whole_millis(now);
        let set_back = if self.voting.is_none() { self.end_future(now) } else { None };
        let expired = self.members.expire(now);
        if !expired.is_empty() {
            self.note_change(now);
        }
        self.freshness.forget_stale(now);
        self.changes.forget(now);
        let due = self.due_at(now).is_some_and(|at| now >= at);
        if self.voting.is_some() {
            if due {
                self.pace.note(now);
                (self.changed_at, self.opinion_due) = (None, true);
            }
            return Ok(Polled { expired, issued: false, set_back });
        }
        let new_epoch = self.epochs.advance(now);
        if due && !new_epoch {
            self.pace.note(now);
        }
        let issued = due || new_epoch || self.documents.is_empty();
        if issued {
            self.changed_at = None;
            self.issue(now)?;
        }
        Ok(Polled { expired, issued, set_back })
    }

    /// The clock jumped ahead, or the process did not run for a while: nodes get a whole lease, as
    /// they could not renew theirs meanwhile.
    pub fn handle_jump(&mut self, now: SystemTime) {
        self.members.renew_all(whole_millis(now) + self.config.lease);
    }

    /// If the epoch begins in the future, the clock was ahead for a while: another epoch begins
    /// now, and nothing else of that time lasts either. Says how far ahead it was.
    fn end_future(&mut self, now: SystemTime) -> Option<Duration> {
        let ahead = self.epochs.start.duration_since(now).ok()?;
        if !self.epochs.resume(now, TOLERATED_SKEW) {
            return None;
        }
        self.documents.retain(|old| old.document.valid_from <= now + TOLERATED_SKEW);
        self.freshness.end_future(now);
        self.members.renew_all(now + self.config.lease);
        self.note_change(now);
        Some(ahead)
    }

    /// When to poll next, if nothing comes in before.
    #[must_use]
    pub fn poll_at(&self) -> SystemTime {
        let change = self.changed_at.and_then(|at| self.due_at(at));
        let end = self.epochs.end;
        // Of several authorities the epoch is not this one's to end.
        let end = if self.voting.is_some() { end + Parameters::MAX_EPOCH_LENGTH } else { end };
        let times = [Some(end), self.members.next_expiry(), change];
        times.into_iter().flatten().min().unwrap_or(self.epochs.end)
    }

    /// When the document for what has changed is due: soon, unless there were many of late.
    fn due_at(&self, now: SystemTime) -> Option<SystemTime> {
        let changed_at = self.changed_at?;
        // A change in the future is one before the clock was set back.
        let debounced = if now < changed_at { now } else { changed_at + DEBOUNCE };
        Some(debounced.max(self.pace.ready_at(now)))
    }

    /// Each epoch's last document that is still valid, oldest first; the last is the current one.
    #[must_use]
    pub fn documents(&self) -> &VecDeque<Issued> {
        &self.documents
    }

    /// Whom it takes for its nodes.
    #[must_use]
    pub const fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The secret of that key.
    pub(super) const fn secret(&self) -> &IdentitySecret {
        &self.secret
    }

    /// The key that it signs with.
    #[must_use]
    pub fn public_key(&self) -> IdentityPublic {
        self.secret.public()
    }

    /// The keys that it signs with.
    pub(super) fn signing_keys(&self) -> Vec<&IdentitySecret> {
        [&self.secret].into_iter().chain(&self.former).collect()
    }

    /// Signs with these keys from now on, and signs anew what was signed with others: the same
    /// documents, for those who know either key.
    pub fn set_keys(
        &mut self,
        secret: IdentitySecret,
        former: Option<IdentitySecret>,
    ) -> Result<(), Malformed> {
        (self.secret, self.former) = (secret, former);
        let mut documents = std::mem::take(&mut self.documents);
        for Issued { document, signed } in &mut documents {
            *signed = Arc::new(SignedDocument::sign(document, &self.signing_keys())?);
        }
        self.documents = documents;
        self.unsaved = true;
        Ok(())
    }

    /// Whether something changed since [`Core::set_saved`] that a restart must not lose. A longer
    /// lease is not: a restart renews them all.
    #[must_use]
    pub const fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// Whether a change waits for its document: [`Core::poll`] makes one when it is due, within a
    /// second at worst, and one write serves both.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.changed_at.is_some()
    }

    /// The last snapshot is written down.
    pub const fn set_saved(&mut self) {
        self.unsaved = false;
    }

    /// What has to outlive the process.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            network: self.config.network.clone(),
            secret: self.secret.clone(),
            former: self.former.clone(),
            epochs: self.epochs,
            revision: self.revision,
            configured: self.config.parameters.clone(),
            parameters: self.parameters.clone(),
            configured_admission: self.config.admission.clone(),
            admission: self.admission.clone(),
            last_order: self.freshness.last_order(),
            members: self.members.iter().cloned().collect(),
            seen: self.freshness.seen(),
            documents: self.documents.iter().cloned().collect(),
            voting: self.voting.clone(),
        }
    }

    /// Whether the newest document says what is so: not if the process ended between a change and
    /// its document.
    fn is_documented(&self) -> bool {
        self.documents.back().is_some_and(|Issued { document, .. }| {
            let members = self.members.iter().map(|member| &member.descriptor);
            document.parameters == self.parameters && document.nodes.iter().eq(members)
        })
    }

    fn set_parameters(&mut self, parameters: Parameters, now: SystemTime) {
        self.epochs.length = parameters.epoch_length;
        self.parameters = parameters;
        self.note_change(now);
    }

    /// Who is not admitted any more leaves the next document.
    fn admit(&mut self, admission: Admission, now: SystemTime) {
        self.members.retain(|descriptor| admission.check(descriptor).is_ok());
        self.admission = admission;
        self.note_change(now);
    }

    fn note_change(&mut self, now: SystemTime) {
        self.changed_at.get_or_insert(now);
        self.unsaved = true;
    }

    fn issue(&mut self, now: SystemTime) -> Result<(), Malformed> {
        let Epochs { number, start, end, length } = self.epochs;
        let document = Document {
            network: self.config.network.clone(),
            epoch: number,
            revision: self.revision + 1,
            valid_from: start,
            epoch_end: end,
            valid_until: end + length * GRACE_EPOCHS,
            parameters: self.parameters.clone(),
            nodes: self.members.iter().map(|member| member.descriptor.clone()).collect(),
        };
        let signed = Arc::new(SignedDocument::sign(&document, &self.signing_keys())?);
        self.revision += 1;
        self.unsaved = true;
        self.documents.retain(|old| old.document.epoch != number && old.document.valid_until > now);
        self.documents.push_back(Issued { document: Arc::new(document), signed });
        Ok(())
    }
}
