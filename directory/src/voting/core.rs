//! One authority among several, without I/O and with the time as an argument.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use super::ballots::{Ballots, Taken};
use super::opinion::digest;
use super::peer::Peer;
use super::round::Round;
use super::timing::{EXCLUSION, REFRESH, REFRESH_ANEW, passed};
use super::{
    Ballot, Base, Digest, Evidence, Opinion, Panel, PeerMessage, SignedBallot, SignedProposal,
    VotingEvent, calendar,
};
use crate::authority::Issued;
use crate::document::{Document, SignedDocument};
use crate::identity::{IdentityPublic, IdentitySecret};
use crate::time::{to_millis, whole_millis};

/// What an authority among several is given.
#[derive(Clone, Debug)]
pub struct VoterConfig {
    /// The network's name.
    pub network: String,
    /// All authorities, this one too.
    pub panel: Panel,
    /// This one's key.
    pub secret: IdentitySecret,
}

/// What of it has to outlive the process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VoterState {
    /// The sequence of its last ballot, or a later one.
    pub sequence: u64,
    /// Epoch and revision of the last proposal that it accepted: it accepts none up to there.
    pub pledged: (u64, u64),
    /// The newest document.
    pub document: Option<Issued>,
}

/// A document that has enough signatures now.
#[derive(Clone, Debug, PartialEq)]
pub struct Adopted {
    /// The document.
    pub issued: Issued,
    /// Whether this authority's ballot is in it. If not, it was away, and what the document says is
    /// news to it.
    pub voted: bool,
}

/// The newest document.
#[derive(Debug)]
pub(super) struct Newest {
    pub(super) issued: Issued,
    pub(super) digest: Digest,
    pub(super) since: SystemTime,
}

/// An authority that was caught.
#[derive(Debug)]
pub(super) struct Caught {
    pub(super) evidence: Evidence,
    pub(super) since: SystemTime,
}

/// A proposal that is not judged for good yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) signed: SignedProposal,
    pub(super) arrived: SystemTime,
    /// When it is to be judged again, if nothing comes before.
    pub(super) until: Option<SystemTime>,
}

/// One authority among several: [`Voter::set_opinion`] and [`Voter::handle`] in, then
/// [`Voter::poll`]; [`Voter::poll_at`] says when to poll again, or a second later at the latest, as
/// the clock may go back. After a poll, if
/// [`Voter::is_unsaved`], write [`Voter::state`] down before anything of
/// [`Voter::take_messages`] is sent or a document of [`Voter::take_adopted`] told.
#[derive(Debug)]
pub struct Voter {
    pub(super) network: String,
    pub(super) panel: Panel,
    pub(super) secret: IdentitySecret,
    pub(super) me: IdentityPublic,
    pub(super) newest: Option<Newest>,
    pub(super) mine: Option<Digest>,
    sequence: u64,
    pub(super) ballots: Ballots,
    /// The newest proposal of each leader that waits for something.
    pub(super) waiting: BTreeMap<IdentityPublic, Waiting>,
    /// The last one of each that was refused.
    pub(super) refused: BTreeMap<IdentityPublic, Digest>,
    pub(super) pledged: (u64, u64),
    /// The last proposal that was accepted, since this process began.
    pub(super) round: Option<Round>,
    pub(super) peers: BTreeMap<IdentityPublic, Peer>,
    pub(super) caught: BTreeMap<IdentityPublic, Caught>,
    /// Since when there is cause for another document.
    pub(super) needed: Option<SystemTime>,
    pub(super) propose_at: Option<SystemTime>,
    pub(super) said: Option<(Digest, SystemTime)>,
    pub(super) messages: VecDeque<(IdentityPublic, PeerMessage)>,
    pub(super) events: Vec<VotingEvent>,
    pub(super) adopted: Vec<Adopted>,
    pub(super) flooded: u64,
    unsaved: bool,
}

impl Voter {
    /// Begins, or goes on where a state was taken.
    #[must_use]
    pub fn new(config: VoterConfig, state: VoterState, now: SystemTime) -> Self {
        let VoterConfig { network, panel, secret } = config;
        let now = whole_millis(now);
        let me = secret.public();
        let others = panel.keys().iter().filter(|key| **key != me);
        let peers = others.map(|key| (*key, Peer::new(now))).collect();
        let newest = state.document.map(|issued| {
            let digest = digest(&issued.signed.bytes);
            Newest { issued, digest, since: now }
        });
        Self {
            network,
            panel,
            secret,
            me,
            newest,
            mine: None,
            sequence: state.sequence,
            ballots: Ballots::default(),
            waiting: BTreeMap::new(),
            refused: BTreeMap::new(),
            pledged: state.pledged,
            round: None,
            peers,
            caught: BTreeMap::new(),
            needed: None,
            propose_at: None,
            said: None,
            messages: VecDeque::new(),
            events: Vec::new(),
            adopted: Vec::new(),
            flooded: 0,
            unsaved: false,
        }
    }

    /// What this authority would put into the document from now on. One that no document could have
    /// is not taken.
    pub fn set_opinion(&mut self, opinion: &Opinion, now: SystemTime) {
        let bytes = opinion.to_bytes();
        let digest = digest(&bytes);
        if self.mine != Some(digest)
            && let Ok(opinion) = Opinion::from_bytes(&bytes)
        {
            self.mine = Some(digest);
            self.ballots.take_opinion(Arc::new(opinion), digest, whole_millis(now));
        }
    }

    /// A message of another authority, whose envelope was opened.
    pub fn handle(&mut self, from: IdentityPublic, message: PeerMessage, now: SystemTime) {
        let now = whole_millis(now);
        let Some(peer) = self.peers.get_mut(&from) else { return };
        if !peer.may_speak(now) {
            self.flooded += 1;
            return;
        }
        match message {
            PeerMessage::Status(status) => self.handle_status(from, *status, now),
            PeerMessage::Opinion(bytes) => self.handle_opinion(&bytes, now),
            PeerMessage::Document(signed) => self.handle_document(signed, now),
        }
    }

    /// Does what the time and what came have made due.
    pub fn poll(&mut self, now: SystemTime) {
        let now = whole_millis(now);
        self.caught.retain(|_, caught| !passed(caught.since, EXCLUSION, now));
        self.vote(now);
        self.judge_waiting(now);
        self.propose(now);
        self.sign(now);
        self.finish(now);
        // A document may be the base that a proposal waited for.
        self.judge_waiting(now);
        self.forget();
        self.speak(now);
    }

    /// When to poll next, if nothing comes in before.
    #[must_use]
    pub fn poll_at(&self, now: SystemTime) -> SystemTime {
        let waiting = self.waiting.values().filter_map(|waiting| waiting.until).min();
        let end = self.newest.as_ref().map(|newest| newest.issued.document.epoch_end);
        let end = end.filter(|end| *end > now);
        let round = self.round.as_ref().filter(|round| round.signature.is_none());
        let round = round.map(|round| round.since + super::DELTA).filter(|at| *at > now);
        let times = [waiting, end, round, self.propose_at, Some(self.speak_at(now))];
        times.into_iter().flatten().min().unwrap_or(now)
    }

    /// What is to be sent, and to whom.
    pub fn take_messages(&mut self) -> Vec<(IdentityPublic, PeerMessage)> {
        self.messages.drain(..).collect()
    }

    /// What was noticed of the others.
    pub fn take_events(&mut self) -> Vec<VotingEvent> {
        std::mem::take(&mut self.events)
    }

    /// The documents that have enough signatures since the last call.
    pub fn take_adopted(&mut self) -> Vec<Adopted> {
        std::mem::take(&mut self.adopted)
    }

    /// The newest document.
    #[must_use]
    pub fn newest(&self) -> Option<&Issued> {
        self.newest.as_ref().map(|newest| &newest.issued)
    }

    /// Who votes.
    #[must_use]
    pub const fn panel(&self) -> &Panel {
        &self.panel
    }

    /// Messages that were not looked at, as their senders sent too many.
    #[must_use]
    pub const fn flooded(&self) -> u64 {
        self.flooded
    }

    /// Whether something changed since [`Voter::set_saved`] that a restart must not lose.
    #[must_use]
    pub const fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// The state is written down.
    pub const fn set_saved(&mut self) {
        self.unsaved = false;
    }

    /// What has to outlive the process. Ballots are made without a write each: their sequence is the
    /// time, and after a restart it is later.
    #[must_use]
    pub fn state(&self) -> VoterState {
        VoterState {
            sequence: self.sequence,
            pledged: self.pledged,
            document: self.newest.as_ref().map(|newest| newest.issued.clone()),
        }
    }

    /// Votes, if the opinion is another or the last ballot gets old.
    fn vote(&mut self, now: SystemTime) {
        let Some(opinion) = self.mine else { return };
        let anew = matches!(calendar::due(self.base_document(), now), calendar::Due::Anew { .. });
        let refresh = if anew { REFRESH_ANEW } else { REFRESH };
        let due = self.ballots.of(&self.me).is_none_or(|signed| {
            let last = signed.ballot();
            last.opinion != opinion
                || last.sequence != self.sequence
                || passed(last.made_at, refresh, now)
        });
        if due {
            self.sequence = self.sequence.saturating_add(1).max(to_millis(now));
            let (authority, sequence) = (self.me, self.sequence);
            let ballot = Ballot { authority, sequence, made_at: now, opinion };
            let signed = SignedBallot::sign(ballot, &self.network, &self.secret);
            self.ballots.take(&signed, now);
        }
    }

    /// Takes a ballot, whoever brought it. Says whether it is news.
    pub(super) fn note_ballot(&mut self, signed: &SignedBallot, now: SystemTime) -> bool {
        let ballot = signed.ballot();
        if ballot.authority == self.me && ballot.sequence > self.sequence {
            // Of an earlier life, or of a thief: the next one is newer than that.
            self.sequence = ballot.sequence;
            return false;
        }
        match self.ballots.take(signed, now) {
            Taken::New => true,
            Taken::Known => false,
            Taken::Contradiction(evidence) => {
                self.note_evidence(evidence, now);
                false
            }
        }
    }

    /// An authority is caught: for a while nothing of it counts.
    pub(super) fn note_evidence(&mut self, evidence: Evidence, now: SystemTime) {
        let authority = evidence.authority();
        if let std::collections::btree_map::Entry::Vacant(entry) = self.caught.entry(authority) {
            entry.insert(Caught { evidence, since: now });
            self.events.push(VotingEvent::Equivocated { authority });
        }
    }

    pub(super) fn is_caught(&self, authority: &IdentityPublic) -> bool {
        self.caught.contains_key(authority)
    }

    pub(super) fn base_document(&self) -> Option<&Document> {
        self.newest.as_ref().map(|newest| &*newest.issued.document)
    }

    pub(super) fn base(&self) -> Option<Base> {
        let newest = self.newest.as_ref()?;
        Some(Base { version: newest.issued.document.version(), digest: newest.digest })
    }

    pub(super) fn version(&self) -> (u64, u64) {
        self.base_document().map_or((0, 0), Document::version)
    }

    /// Nothing up to there is accepted or proposed any more.
    pub(super) fn floor(&self) -> u64 {
        self.pledged.1.max(self.version().1)
    }

    pub(super) fn pledge(&mut self, round: Round) {
        let proposal = round.proposal.proposal();
        self.pledged = (proposal.epoch, proposal.revision);
        self.round = Some(round);
        self.unsaved = true;
    }

    /// Takes a document with enough signatures as the newest, if it is.
    pub(super) fn adopt(
        &mut self,
        document: Document,
        signed: SignedDocument,
        voted: bool,
        now: SystemTime,
    ) {
        let version = document.version();
        if let Some(newest) = &self.newest {
            let ours = newest.issued.document.version();
            if version == ours && signed.bytes != newest.issued.signed.bytes {
                let signers = |signed: &SignedDocument| -> Vec<IdentityPublic> {
                    signed.signatures.iter().map(|it| it.authority).collect()
                };
                let mut both = signers(&signed);
                let others = signers(&newest.issued.signed);
                both.retain(|signer| others.contains(signer));
                self.events.push(VotingEvent::Forked { version, signers: both });
            }
            if version <= ours {
                return;
            }
        }
        let digest = digest(&signed.bytes);
        let issued = Issued { document: Arc::new(document), signed: Arc::new(signed) };
        self.adopted.push(Adopted { issued: issued.clone(), voted });
        self.newest = Some(Newest { issued, digest, since: now });
        self.needed = None;
        self.unsaved = true;
    }

    /// Lets go of what nothing needs any more.
    fn forget(&mut self) {
        let floor = self.floor();
        self.waiting.retain(|_, waiting| waiting.signed.proposal().revision > floor);
        let mut used: Vec<_> = self.mine.into_iter().collect();
        let waiting = self.waiting.values().map(|waiting| &waiting.signed);
        let round = self.round.as_ref().map(|round| &round.proposal);
        for signed in waiting.chain(round) {
            used.extend(signed.proposal().ballots.iter().map(|it| it.ballot().opinion));
        }
        self.ballots.forget_unused(|digest| used.contains(digest));
    }
}
