//! One message: what of it was sent, what is held there, what has come back.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use mixbed_wire::message::{Answer, Bitmap, Fragments, MAX_FRAGMENT_DATA, MessageId, Response};
use mixbed_wire::{DropReason, NodeId};

use super::packet::Purpose;
use super::supply::Supply;
use super::{Loss, Order, PacketNo, Tried};

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
    pub(super) tried: Tried,
    /// Packets that count in the window: not answered and not overdue.
    pub(super) under_way: BTreeSet<PacketNo>,
    /// All packets whose answers are still read, oldest first.
    pub(super) sent: VecDeque<PacketNo>,
    deadline: Instant,
    /// How long its first packet may be without any answer.
    unheard: Option<Duration>,
    first_sent: Option<Instant>,
    /// Answers to earlier packets speak of a state that the provider has lost since.
    since: PacketNo,
    body: Vec<u8>,
    held: Bitmap,
    supply: Supply,
    phase: Phase,
}

enum Phase {
    /// Not all fragments are acknowledged.
    Sending(Vec<Tries>),
    /// The provider has the request; its service is at work.
    Waiting { next: NextPoll, pause: Duration },
    /// The response is coming, part by part. Until `first` its first part is not asked for: it comes
    /// by the block of a fragment.
    Collecting { parts: Fragments, tries: Vec<Tries>, first: Option<Instant> },
}

enum NextPoll {
    At(Instant),
    Now(Tries),
}

/// What was done for one piece: a fragment, a question, a part of the response.
#[derive(Clone, Copy, Default)]
struct Tries {
    sent: u32,
    lost: u32,
    /// Packets with it that are under way.
    flying: u32,
}

impl Tries {
    fn send(&mut self) -> u32 {
        self.sent += 1;
        self.flying += 1;
        self.sent
    }

    fn unsend(&mut self) {
        self.sent = self.sent.saturating_sub(1);
        self.flying = self.flying.saturating_sub(1);
    }

    fn lose(&mut self) {
        self.lost = self.lost.saturating_add(1);
        self.flying = self.flying.saturating_sub(1);
    }
}

/// How many packets of a piece may be under way.
#[derive(Clone, Copy)]
pub(super) enum Copies<'a> {
    /// One.
    One,
    /// As many as the losses ask for, of all pieces together at most so many.
    Of(&'a Loss, usize),
}

impl Copies<'_> {
    fn is_wanted(self, tries: &Tries, missing: usize) -> bool {
        let most = match self {
            Self::One => 1,
            Self::Of(loss, window) => {
                let share = u32::try_from(window / missing.max(1)).unwrap_or(u32::MAX);
                loss.copies(tries.lost).min(share)
            }
        };
        tries.flying < most.max(1)
    }

    /// Whether the next copy is to be a question: where most packets are lost, the request is
    /// likely to be there after two, and it is its answers that do not come back.
    fn is_probe(self, tries: &Tries, missing: usize) -> bool {
        let high = matches!(self, Self::Of(loss, _) if loss.is_high());
        high && missing == 1 && tries.sent >= 2 && tries.sent.is_multiple_of(2)
    }
}

/// What an answer changed.
pub(super) enum Progress {
    /// The message goes on.
    Continues,
    /// The first part of the response has come: so others are on their way.
    Began,
    /// The response is complete.
    Done(Response),
}

impl Outgoing {
    pub(super) fn new(id: MessageId, order: &Order<'_>, body: Vec<u8>, now: Instant) -> Self {
        // A request is at most MAX_MESSAGE bytes: 459 fragments.
        let count = u16::try_from(body.len().div_ceil(MAX_FRAGMENT_DATA)).unwrap_or(u16::MAX);
        Self {
            id,
            provider: order.provider,
            traced: order.traced,
            began: now,
            tried: Tried { fragments: count, ..Tried::default() },
            under_way: BTreeSet::new(),
            sent: VecDeque::new(),
            deadline: order.deadline,
            unheard: order.unheard,
            first_sent: None,
            since: PacketNo(0),
            body,
            held: Bitmap::default(),
            supply: Supply::of(order.expected),
            phase: Phase::Sending(vec![Tries::default(); count.into()]),
        }
    }

    pub(super) fn count(&self) -> u16 {
        self.tried.fragments
    }

    pub(super) fn fragment(&self, index: u16) -> &[u8] {
        self.body.chunks(MAX_FRAGMENT_DATA).nth(usize::from(index)).unwrap_or_default()
    }

    /// What is to be sent next, with so many reply blocks at most, and which try it is.
    pub(super) fn next(&mut self, copies: Copies<'_>, blocks: usize) -> Option<(Purpose, u32)> {
        match &mut self.phase {
            Phase::Sending(fragments) => {
                let missing = fragments.len() - self.held.len();
                let wanted = (0..).zip(fragments).filter(|(index, tries)| {
                    !self.held.contains(*index) && copies.is_wanted(tries, missing)
                });
                // Those that were not sent yet, then whatever is worst off.
                let next = wanted.min_by_key(|(_, tries)| (tries.flying, tries.sent));
                let Some((index, tries)) = next else {
                    return self.supply.next(blocks).map(|parts| (Purpose::Supply(parts), 1));
                };
                let purpose = if copies.is_probe(tries, missing) {
                    Purpose::Probe(index)
                } else {
                    Purpose::Fragment(index)
                };
                Some((purpose, tries.send()))
            }
            Phase::Waiting { next: NextPoll::Now(tries), .. } if copies.is_wanted(tries, 1) => {
                Some((Purpose::Poll(Vec::new()), tries.send()))
            }
            Phase::Waiting { .. } => {
                self.supply.next(blocks).map(|parts| (Purpose::Supply(parts), 1))
            }
            Phase::Collecting { parts, tries, first } => {
                let missing = tries.len() - parts.len();
                let wanted = (0..).zip(tries).filter(|(part, tries)| {
                    let comes = *part == 0 && first.is_some();
                    !parts.contains(*part) && !comes && copies.is_wanted(tries, missing)
                });
                let mut attempt = 0;
                let mut asked = Vec::new();
                for (part, tries) in wanted.take(blocks) {
                    asked.push(part);
                    attempt = tries.send().max(attempt);
                }
                (!asked.is_empty()).then_some((Purpose::Poll(asked), attempt))
            }
        }
    }

    /// One of its packets left.
    pub(super) fn handle_sent(&mut self, packet: PacketNo, again: bool, now: Instant) {
        self.tried.packets_sent += 1;
        self.tried.retransmissions += u64::from(again);
        self.first_sent.get_or_insert(now);
        self.under_way.insert(packet);
        self.sent.push_back(packet);
    }

    /// Takes back what [`next`](Self::next) gave and could not be sent.
    pub(super) fn handle_unsent(&mut self, packet: PacketNo, purpose: &Purpose) {
        if let Purpose::Supply(parts) = purpose
            && packet >= self.since
        {
            self.supply.handle_unsent(parts);
        }
        self.with_pieces(packet, purpose, Tries::unsend);
    }

    /// A packet was not answered in time.
    pub(super) fn handle_lost(&mut self, packet: PacketNo, purpose: &Purpose) {
        self.with_pieces(packet, purpose, Tries::lose);
    }

    /// Whatever the packet was for, if it is still of use.
    fn with_pieces(&mut self, packet: PacketNo, purpose: &Purpose, change: fn(&mut Tries)) {
        if packet < self.since {
            return;
        }
        match (&mut self.phase, purpose) {
            (Phase::Sending(fragments), Purpose::Fragment(index) | Purpose::Probe(index)) => {
                fragments.get_mut(usize::from(*index)).into_iter().for_each(change);
            }
            (Phase::Waiting { next: NextPoll::Now(tries), .. }, Purpose::Poll(_)) => change(tries),
            (Phase::Collecting { tries, .. }, Purpose::Poll(wanted) | Purpose::Supply(wanted)) => {
                for part in wanted {
                    tries.get_mut(usize::from(*part)).into_iter().for_each(change);
                }
            }
            _ => {}
        }
    }

    /// The response is on its way by the blocks that this packet brings: until it is overdue, its
    /// parts need not be asked for.
    pub(super) fn handle_supplied(&mut self, parts: &[u16]) {
        if let Phase::Collecting { tries, .. } = &mut self.phase {
            for part in parts {
                tries.get_mut(usize::from(*part)).into_iter().for_each(|tries| {
                    tries.send();
                });
            }
        }
    }

    /// The response's first part comes by the block of a fragment, until then at the latest.
    pub(super) fn handle_first_due(&mut self, due: Instant) {
        if let Phase::Collecting { parts, first, .. } = &mut self.phase
            && !parts.contains(0)
        {
            *first = Some(first.map_or(due, |first| first.max(due)));
        }
    }

    /// Whether there is an answer to a packet already, if it arrived: blocks that were sent ahead
    /// bring none before the response is there, and what was sent before a restart brings none.
    pub(super) fn is_awaited(&self, packet: PacketNo, purpose: &Purpose) -> bool {
        match purpose {
            Purpose::Supply(_) => {
                packet >= self.since && matches!(self.phase, Phase::Collecting { .. })
            }
            _ => true,
        }
    }

    /// When the message ends, if no answer ends it.
    pub(super) fn ends_at(&self) -> Instant {
        let unheard = self.unheard.filter(|_| self.tried.packets_received == 0);
        let silent = self.first_sent.zip(unheard).map(|(sent, unheard)| sent + unheard);
        silent.map_or(self.deadline, |silent| silent.min(self.deadline))
    }

    /// When the message wants to be woken besides its packets' timers.
    pub(super) fn poll_timeout(&self) -> Instant {
        match self.phase {
            Phase::Waiting { next: NextPoll::At(at), .. }
            | Phase::Collecting { first: Some(at), .. } => at.min(self.ends_at()),
            _ => self.ends_at(),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Waiting { next, .. } => {
                if matches!(next, NextPoll::At(at) if *at <= now) {
                    *next = NextPoll::Now(Tries::default());
                }
            }
            Phase::Collecting { first, .. } => *first = first.filter(|at| *at > now),
            Phase::Sending(_) => {}
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
            // What came with it is for the response only.
            (Answer::Ack { .. } | Answer::Pending { .. }, Purpose::Supply(_)) => {}
            (Answer::Ack { held, .. }, Purpose::Fragment(_) | Purpose::Probe(_)) => {
                self.handle_ack(&held, now);
            }
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
            (Phase::Sending(_), Purpose::Fragment(index) | Purpose::Probe(index)) => {
                self.held.contains(*index)
            }
            (Phase::Waiting { next, .. }, Purpose::Poll(_)) => !matches!(next, NextPoll::Now(_)),
            (Phase::Collecting { parts, .. }, Purpose::Poll(wanted)) => {
                wanted.iter().all(|part| parts.contains(*part))
            }
            // What the response has no part for is not answered.
            (Phase::Collecting { parts, tries, .. }, Purpose::Supply(wanted)) => {
                let missing = |part: &u16| !parts.contains(*part);
                !wanted.iter().any(|part| usize::from(*part) < tries.len() && missing(part))
            }
            (_, Purpose::Supply(_)) => false,
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
            (Phase::Sending(_), _) => self.wait(now),
            (Phase::Waiting { next: next @ NextPoll::Now(_), pause }, Purpose::Poll(_)) => {
                *pause = (*pause * 2).min(LONGEST_PAUSE);
                *next = NextPoll::At(now + *pause);
            }
            // A late word of an earlier time: what has come of the response stays.
            _ => {}
        }
    }

    fn handle_response(
        &mut self,
        index: u16,
        count: u16,
        data: &[u8],
    ) -> Result<Progress, DropReason> {
        let begins = !matches!(self.phase, Phase::Collecting { .. });
        if begins {
            let parts = Fragments::new(count)?;
            let tries = vec![Tries::default(); count.into()];
            self.phase = Phase::Collecting { parts, tries, first: None };
            self.tried.fragments_held = self.count();
            self.tried.response_parts = Some(count);
        }
        let Phase::Collecting { parts, first, .. } = &mut self.phase else {
            return Ok(Progress::Continues);
        };
        parts.insert(index, count, data)?;
        if index == 0 {
            *first = None;
        }
        self.tried.response_held = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        if parts.is_too_large() {
            return Ok(Progress::Done(Response::TooLarge));
        }
        if !parts.is_complete() {
            return Ok(if begins { Progress::Began } else { Progress::Continues });
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
        self.phase = Phase::Waiting { next, pause: FIRST_PAUSE };
    }

    fn restart(&mut self, held: &Bitmap, next_packet: PacketNo, now: Instant) {
        self.since = next_packet;
        self.supply.restart();
        self.held = Bitmap::default();
        self.tried.response_parts = None;
        self.tried.response_held = 0;
        self.hold(held);
        if self.held.len() == usize::from(self.count()) {
            return self.wait(now);
        }
        // Whatever is sent now was sent before.
        let before = Tries { sent: 1, ..Tries::default() };
        self.phase = Phase::Sending(vec![before; self.count().into()]);
    }
}
