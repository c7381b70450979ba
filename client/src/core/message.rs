//! One message: what of it was sent, what is held there, what has come back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use mixbed_wire::message::{
    Answer, Bitmap, Fragments, MAX_FRAGMENT_DATA, MAX_REPLY_BLOCKS, MessageId, Response,
};
use mixbed_wire::{DropReason, NodeId};

use super::packet::Purpose;
use super::{PacketNo, Tried};

/// The pause before a provider whose service is at work is asked again; each later one is twice as
/// long. The response comes by itself: polls only heal its loss.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

pub(super) struct Outgoing {
    pub(super) id: MessageId,
    pub(super) provider: NodeId,
    pub(super) traced: bool,
    pub(super) began: Instant,
    pub(super) deadline: Instant,
    pub(super) tried: Tried,
    /// Packets that count in the window: not answered and not overdue.
    pub(super) under_way: BTreeSet<PacketNo>,
    /// All packets whose answers are still read, oldest first.
    pub(super) sent: VecDeque<PacketNo>,
    /// Answers to earlier packets speak of a state that the provider has lost since.
    since: PacketNo,
    body: Vec<u8>,
    held: Bitmap,
    attempts: BTreeMap<u16, u32>,
    phase: Phase,
}

enum Phase {
    /// Not all fragments are acknowledged. These are to be sent.
    Sending(VecDeque<u16>),
    /// The provider has the request; its service is at work.
    Waiting { next: NextPoll, pause: Duration, lost: u32 },
    /// The response is coming. Parts that were asked for, and how often each was lost.
    Collecting { parts: Fragments, asked: BTreeSet<u16>, lost: BTreeMap<u16, u32> },
}

enum NextPoll {
    At(Instant),
    Due,
    UnderWay,
}

/// What an answer changed.
pub(super) enum Progress {
    /// The message goes on.
    Continues,
    /// The response is complete.
    Done(Response),
}

impl Outgoing {
    pub(super) fn new(
        id: MessageId,
        provider: NodeId,
        traced: bool,
        body: Vec<u8>,
        now: Instant,
        deadline: Instant,
    ) -> Self {
        // A request is at most MAX_MESSAGE bytes: 459 fragments.
        let count = u16::try_from(body.len().div_ceil(MAX_FRAGMENT_DATA)).unwrap_or(u16::MAX);
        Self {
            id,
            provider,
            traced,
            began: now,
            deadline,
            tried: Tried { fragments: count, ..Tried::default() },
            under_way: BTreeSet::new(),
            sent: VecDeque::new(),
            since: PacketNo(0),
            body,
            held: Bitmap::default(),
            attempts: BTreeMap::new(),
            phase: Phase::Sending((0..count).collect()),
        }
    }

    pub(super) fn count(&self) -> u16 {
        self.tried.fragments
    }

    pub(super) fn fragment(&self, index: u16) -> &[u8] {
        self.body.chunks(MAX_FRAGMENT_DATA).nth(usize::from(index)).unwrap_or_default()
    }

    /// What is to be sent next, and which try it is.
    pub(super) fn next(&mut self) -> Option<(Purpose, u32)> {
        match &mut self.phase {
            Phase::Sending(queue) => loop {
                let index = queue.pop_front()?;
                if !self.held.contains(index) {
                    let lost = self.attempts.get(&index).copied().unwrap_or_default();
                    return Some((Purpose::Fragment(index), lost + 1));
                }
            },
            Phase::Waiting { next, lost, .. } => matches!(next, NextPoll::Due).then(|| {
                *next = NextPoll::UnderWay;
                (Purpose::Poll(Vec::new()), *lost + 1)
            }),
            Phase::Collecting { parts, asked, lost } => {
                let wanted: Vec<u16> = (0..parts.count())
                    .filter(|part| !parts.contains(*part) && !asked.contains(part))
                    .take(MAX_REPLY_BLOCKS)
                    .collect();
                let most_lost = wanted.iter().filter_map(|part| lost.get(part)).max().copied();
                asked.extend(&wanted);
                let attempt = most_lost.unwrap_or_default() + 1;
                (!wanted.is_empty()).then_some((Purpose::Poll(wanted), attempt))
            }
        }
    }

    /// Takes back what [`next`](Self::next) gave and could not be sent.
    pub(super) fn handle_unsent(&mut self, purpose: &Purpose) {
        match (&mut self.phase, purpose) {
            (Phase::Sending(queue), Purpose::Fragment(index)) => queue.push_front(*index),
            (Phase::Waiting { next, .. }, Purpose::Poll(_)) => *next = NextPoll::Due,
            (Phase::Collecting { asked, .. }, Purpose::Poll(wanted)) => {
                asked.retain(|part| !wanted.contains(part));
            }
            _ => {}
        }
    }

    /// A packet was not answered in time.
    pub(super) fn handle_lost(&mut self, purpose: &Purpose) {
        match (&mut self.phase, purpose) {
            (Phase::Sending(queue), Purpose::Fragment(index)) if !self.held.contains(*index) => {
                *self.attempts.entry(*index).or_default() += 1;
                queue.push_back(*index);
            }
            (Phase::Waiting { next, lost, .. }, Purpose::Poll(_)) => {
                *next = NextPoll::Due;
                *lost += 1;
            }
            (Phase::Collecting { parts, asked, lost }, Purpose::Poll(wanted)) => {
                for part in wanted.iter().filter(|part| !parts.contains(**part)) {
                    asked.remove(part);
                    *lost.entry(*part).or_default() += 1;
                }
            }
            _ => {}
        }
    }

    /// When the message wants to be woken besides its packets' timers.
    pub(super) fn poll_timeout(&self) -> Instant {
        match self.phase {
            Phase::Waiting { next: NextPoll::At(at), .. } => at.min(self.deadline),
            _ => self.deadline,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Phase::Waiting { next, .. } = &mut self.phase
            && matches!(next, NextPoll::At(at) if *at <= now)
        {
            *next = NextPoll::Due;
        }
    }

    /// Takes an answer to the packet `packet`; `next_packet` is the number of the next one.
    pub(super) fn handle_answer(
        &mut self,
        answer: Answer,
        packet: PacketNo,
        purpose: &Purpose,
        next_packet: PacketNo,
        now: Instant,
    ) -> Result<Progress, DropReason> {
        if packet < self.since {
            return Ok(Progress::Continues);
        }
        match (answer, purpose) {
            (Answer::Ack { held, .. }, Purpose::Fragment(_)) => self.handle_ack(&held, now),
            (Answer::Ack { held, .. }, Purpose::Poll(_)) => {
                // Polls are sent when the provider had everything: it has lost it since.
                self.restart(&held, next_packet, now);
            }
            (Answer::Pending { .. }, purpose) => self.handle_pending(purpose, now),
            (Answer::Response { index, count, data, .. }, _) => {
                return self.handle_response(index, count, &data);
            }
        }
        Ok(Progress::Continues)
    }

    /// Whether the answer to a packet is not needed any more.
    pub(super) fn is_settled(&self, purpose: &Purpose) -> bool {
        match (&self.phase, purpose) {
            (Phase::Sending(_), Purpose::Fragment(index)) => self.held.contains(*index),
            (Phase::Waiting { next, .. }, Purpose::Poll(_)) => !matches!(next, NextPoll::UnderWay),
            (Phase::Collecting { parts, .. }, Purpose::Poll(wanted)) => {
                wanted.iter().all(|part| parts.contains(*part))
            }
            _ => true,
        }
    }

    fn handle_ack(&mut self, held: &Bitmap, now: Instant) {
        if matches!(self.phase, Phase::Sending(_)) {
            self.hold(held);
            if self.held.len() == usize::from(self.count()) {
                // No acknowledgement says "all": each was true, and something was lost since.
                self.wait(now);
            }
        }
    }

    fn handle_pending(&mut self, purpose: &Purpose, now: Instant) {
        match (&mut self.phase, purpose) {
            (Phase::Waiting { next, pause, lost }, Purpose::Poll(_)) => {
                *pause = (*pause * 2).min(LONGEST_PAUSE);
                *next = NextPoll::At(now + *pause);
                *lost = 0;
            }
            // A late word of an earlier time.
            (Phase::Waiting { .. } | Phase::Collecting { .. }, Purpose::Fragment(_)) => {}
            _ => self.wait(now),
        }
    }

    fn handle_response(
        &mut self,
        index: u16,
        count: u16,
        data: &[u8],
    ) -> Result<Progress, DropReason> {
        if !matches!(self.phase, Phase::Collecting { .. }) {
            let parts = Fragments::new(count)?;
            self.phase = Phase::Collecting { parts, asked: BTreeSet::new(), lost: BTreeMap::new() };
            self.tried.fragments_held = self.count();
            self.tried.response_parts = Some(count);
        }
        let Phase::Collecting { parts, .. } = &mut self.phase else {
            return Ok(Progress::Continues);
        };
        parts.insert(index, count, data)?;
        self.tried.response_held = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        if parts.is_too_large() {
            return Ok(Progress::Done(Response::TooLarge));
        }
        if !parts.is_complete() {
            return Ok(Progress::Continues);
        }
        Response::decode(&parts.clone().join()).map(Progress::Done)
    }

    fn hold(&mut self, held: &Bitmap) {
        for index in held.iter().filter(|index| *index < self.tried.fragments) {
            self.held.insert(index);
        }
        self.tried.fragments_held = u16::try_from(self.held.len()).unwrap_or(u16::MAX);
    }

    fn wait(&mut self, now: Instant) {
        self.tried.fragments_held = self.count();
        let next = NextPoll::At(now + FIRST_PAUSE);
        self.phase = Phase::Waiting { next, pause: FIRST_PAUSE, lost: 0 };
    }

    fn restart(&mut self, held: &Bitmap, next_packet: PacketNo, now: Instant) {
        self.since = next_packet;
        self.held = Bitmap::default();
        self.tried.response_parts = None;
        self.tried.response_held = 0;
        self.hold(held);
        let missing: VecDeque<u16> =
            (0..self.count()).filter(|index| !self.held.contains(*index)).collect();
        for index in &missing {
            // Whatever is sent now was sent before.
            let attempts = self.attempts.entry(*index).or_default();
            *attempts = (*attempts).max(1);
        }
        if missing.is_empty() { self.wait(now) } else { self.phase = Phase::Sending(missing) }
    }
}
