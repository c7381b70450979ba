//! When the client does something although nothing came.

use std::time::{Duration, Instant};

use crate::{Code, End};

use super::{ClientEnd, estimates::questions};

/// How long a provider waits with an answer that only acknowledges.
pub(crate) const ANSWER_DELAY: Duration = Duration::from_millis(100);

/// How long an acknowledgement waits for a packet to ride on, and for how many replies.
const ACK_DELAY: Duration = Duration::from_secs(1);
const ACK_REPLIES: usize = 32;

/// The same if replies were lost.
const LOSS_DELAY: Duration = Duration::from_millis(50);

/// How long what does not fill a packet waits for more.
pub(crate) const GATHER: Duration = Duration::from_millis(5);

/// Between questions that stay without an answer, at first and at most.
const FIRST_QUESTION: Duration = Duration::from_millis(400);
const MAX_QUESTION: Duration = Duration::from_millis(1_500);

/// Between looks after streams that are quiet, at first and at most.
const FIRST_LOOK: Duration = Duration::from_secs(1);
const MAX_LOOK: Duration = Duration::from_secs(15);

/// After so long without anything new a session is quiet.
const QUIET: Duration = Duration::from_secs(10);

/// The times that the client keeps.
#[derive(Debug)]
pub(super) struct Timing {
    /// The provider is to be told by then what came.
    ack: Option<Instant>,
    /// It is to be told of losses.
    pub(super) loss_news: bool,
    unacknowledged: usize,
    /// There is something that does not fill a packet, until then.
    gather: Option<Instant>,
    last_reply: Option<Instant>,
    /// Questions since then have no answer.
    silent: Option<Instant>,
    questions: usize,
    /// Times that a question was repeated since the last answer, and no more before then.
    repeated: u32,
    hold: Option<Instant>,
    /// The last time that more was asked than is needed.
    more: Option<Instant>,
    /// The last time that something was expected, and how long until the next look.
    looked: Instant,
    look: Duration,
    /// The last time that streams did something.
    busy: Instant,
    /// The last time that there were streams.
    open: Instant,
}

impl Timing {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ack: None,
            loss_news: false,
            unacknowledged: 0,
            gather: None,
            last_reply: None,
            silent: None,
            questions: 0,
            repeated: 0,
            hold: None,
            more: None,
            looked: now,
            look: FIRST_LOOK,
            busy: now,
            open: now,
        }
    }

    /// Streams do something.
    pub(super) fn something(&mut self, now: Instant) {
        self.busy = now;
        self.looked = now;
        self.look = FIRST_LOOK;
    }

    /// A stream was opened.
    pub(super) fn open(&mut self, now: Instant) {
        self.open = now;
    }

    /// A packet that asks for an answer went out, with blocks for it or without.
    pub(super) fn asked(&mut self, blocks: bool, now: Instant) {
        self.silent.get_or_insert(now);
        self.questions += usize::from(blocks);
        self.looked = now;
    }

    /// A reply came; `carries` says whether there was something of streams in it.
    pub(super) fn answered(&mut self, now: Instant, carries: bool, more: bool) {
        self.last_reply = Some(now);
        self.silent = more.then_some(now);
        self.questions = 0;
        self.repeated = 0;
        self.hold = None;
        self.looked = now;
        if carries {
            self.something(now);
            self.unacknowledged += 1;
            let at = if self.unacknowledged >= ACK_REPLIES { now } else { now + ACK_DELAY };
            self.acknowledge(at);
        }
    }

    fn acknowledge(&mut self, at: Instant) {
        self.ack = Some(self.ack.map_or(at, |before| before.min(at)));
    }

    /// A packet goes out, with everything that is to be told in it.
    pub(super) fn told(&mut self) {
        self.ack = None;
        self.loss_news = false;
        self.unacknowledged = 0;
        self.gather = None;
    }

    /// Whether one more question than is needed would not be one too many; counts as asked.
    pub(super) fn may_ask_more(&mut self, now: Instant) -> bool {
        let may = self.more.is_none_or(|at| at + ANSWER_DELAY <= now);
        if may {
            self.more = Some(now);
        }
        may
    }

    pub(super) fn is_ack_due(&self, now: Instant) -> bool {
        self.ack.is_some_and(|at| at <= now)
    }

    /// Whether what there is should wait for more.
    pub(super) fn gathers(&mut self, anything: bool, now: Instant) -> bool {
        if !anything {
            self.gather = None;
            return true;
        }
        *self.gather.get_or_insert(now + GATHER) > now
    }

    pub(super) fn is_quiet(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.busy) >= QUIET
    }
}

impl ClientEnd {
    /// Does what is due.
    pub(super) fn look_at_the_clock(&mut self, now: Instant) {
        self.blocks.age(now);
        let lost = self.replies.settle(now);
        if lost > 0 {
            (0..lost).for_each(|_| self.back.note(false));
            self.stock.lost(lost);
            self.timing.loss_news = true;
            self.timing.acknowledge(now + LOSS_DELAY);
        }
        if self.question_due().is_some_and(|at| at <= now) {
            self.repeat_question(now);
        }
        if self.look_due().is_some_and(|at| at <= now) {
            (self.questions, self.ping) = (1, 1);
            self.timing.looked = now;
            self.timing.look = (self.timing.look * 2).min(MAX_LOOK);
        }
        if self.is_silent(now) {
            self.end(Code::SessionLost.into());
        } else if self.streams.count() > 0 {
            self.timing.open = now;
        } else if now.saturating_duration_since(self.timing.open) >= self.limits.idle {
            self.close(Code::IdleTooLong.into(), now);
        }
    }

    /// When a question without an answer is to be repeated.
    fn question_due(&self) -> Option<Instant> {
        let due = self.packets.next_due()?;
        let talking = self.timing.last_reply.map(|at| at + ANSWER_DELAY + self.margin.value());
        Some(due.max(talking.unwrap_or(due)).max(self.timing.hold.unwrap_or(due)))
    }

    /// What is in the packets that waited longest goes out again, and each time one more of them,
    /// up to four; from the second time on with more questions, and several answers to each.
    fn repeat_question(&mut self, now: Instant) {
        for _ in 0..=self.timing.repeated.min(3) {
            if self.packets.next_due().is_some_and(|due| due <= now)
                && let Some((number, contents)) = self.packets.doubt()
            {
                self.blocks.lost(number, now);
                for content in contents {
                    self.streams.lost(content);
                }
            }
        }
        self.questions = 1 + self.timing.repeated.min(4);
        self.ping = if self.timing.repeated == 0 { 1 } else { 3 };
        self.timing.repeated += 1;
        let wait = FIRST_QUESTION + self.margin.value();
        let wait = wait.mul_f32(1.2_f32.powi(self.timing.repeated.min(10).cast_signed() - 1));
        self.timing.hold = Some(now + wait.min(MAX_QUESTION.max(self.margin.value())));
    }

    /// When a look after quiet streams is due: the provider may have had something to say, and
    /// every reply with it may be lost. Sooner if it is to say that there is room again.
    fn look_due(&self) -> Option<Instant> {
        let quiet = self.streams.count() > 0 && !self.packets.is_asking() && self.questions == 0;
        let wait = || if self.streams.is_held() { self.timing.look / 4 } else { self.timing.look };
        quiet.then(|| self.timing.looked + wait())
    }

    /// How long it is waited for any answer: where answers come late for longer.
    fn silence(&self) -> Duration {
        self.limits.silence + 2 * self.margin.value()
    }

    fn is_silent(&self, now: Instant) -> bool {
        let since = self.timing.silent.map(|since| now.saturating_duration_since(since));
        since.is_some_and(|since| since >= self.silence())
            && self.timing.questions >= questions(self.there, self.back)
    }

    /// When the clock is to be looked at next.
    pub(super) fn next_time(&self) -> Option<Instant> {
        let silence = self.timing.silent.map(|since| since + self.silence());
        let enough = self.timing.questions >= questions(self.there, self.back);
        let idle = (self.streams.count() == 0).then_some(self.timing.open + self.limits.idle);
        let stale = (self.streams.count() > 0).then(|| self.blocks.next_stale()).flatten();
        let sends = [self.timing.ack, self.timing.gather].into_iter().flatten().min();
        [
            sends.filter(|_| self.packets.span() < self.limits.in_flight),
            self.replies.next_settle(),
            self.question_due(),
            self.look_due(),
            silence.filter(|_| enough),
            idle,
            stale,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
