//! The client's packets that are under way.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use crate::{received::says, streams::Content};

/// How long a lost packet is remembered, to see whether it was only late.
const MEMORY: Duration = Duration::from_secs(1);

/// Nothing is told to the owner of more packets than this at once.
const MAX_NEWS: usize = 4_096;

/// What is in a packet is said again so many times at most before anything is known of it.
const MAX_COPIES: u8 = 3;

/// What is known of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not sent yet.
    Drafted,
    /// To arrive at a time, and to be answered until another one if it asks.
    Sent { arrives: Instant, due: Option<Instant> },
    /// Not answered in time: what is in it goes into others, but it may have arrived.
    Doubtful { arrives: Instant },
    /// Lost since.
    Lost { arrives: Instant, at: Instant },
}

/// A packet that was drafted.
#[derive(Debug)]
pub(super) struct Packet {
    state: State,
    pub(super) contents: Vec<Content>,
    /// It says that replies below this are settled.
    pub(super) settled: u32,
    /// Without an answer it is sent again.
    asks: bool,
    /// So many others say the same.
    copies: u8,
    /// It only says what another one said, which is to be looked after.
    is_copy: bool,
}

impl Packet {
    /// What nobody says if this packet is not sent.
    fn unsaid(self) -> Vec<Content> {
        if self.is_copy { Vec::new() } else { self.contents }
    }
}

/// What a packet that arrived had been taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    UnderWay,
    Doubtful,
    Lost,
}

/// Something became known of a packet.
#[derive(Debug)]
pub(super) enum News {
    /// It arrived.
    Arrived { number: u32, packet: Packet, was: Taken, arrives: Instant },
    /// It did not, and what was in it is to be sent again, unless it was already.
    Lost { number: u32, contents: Vec<Content> },
}

/// All packets of which it is not known that they arrived.
#[derive(Debug, Default)]
pub(super) struct Packets {
    next: u32,
    open: BTreeMap<u32, Packet>,
    /// Those that ask, by the time their answer is due.
    asking: BTreeSet<(Instant, u32)>,
    pub(super) lost: VecDeque<u32>,
    pub(super) arrived: VecDeque<u32>,
    /// How many packets were taken for lost that were not.
    pub(super) spurious: u64,
}

impl Packets {
    pub(super) fn draft(&mut self, contents: Vec<Content>, settled: u32, asks: bool) -> u32 {
        let number = self.next;
        self.next += 1;
        let state = State::Drafted;
        let packet = Packet { state, contents, settled, asks, copies: 0, is_copy: false };
        self.open.insert(number, packet);
        number
    }

    /// What is to be said once more although nothing is known of its loss: what was said the fewest
    /// times, and of that what is the least `far` from what the other side waits for. It counts as
    /// said.
    pub(super) fn repeat(&mut self, far: impl Fn(&[Content]) -> u64) -> Option<Vec<Content>> {
        let waits = |packet: &Packet| {
            packet.asks
                && !packet.contents.is_empty()
                && packet.copies < MAX_COPIES
                && matches!(packet.state, State::Sent { .. })
        };
        let waiting = self.open.values_mut().filter(|packet| waits(packet));
        let packet = waiting.min_by_key(|packet| (packet.copies, far(&packet.contents)))?;
        packet.copies += 1;
        Some(packet.contents.clone())
    }

    /// A packet that says again what another one said.
    pub(super) fn draft_copy(&mut self, contents: Vec<Content>) -> u32 {
        let number = self.draft(contents, 0, false);
        if let Some(packet) = self.open.get_mut(&number) {
            packet.is_copy = true;
        }
        number
    }

    pub(super) fn next(&self) -> u32 {
        self.next
    }

    /// How many packets there are from the lowest on of which not everything is known.
    pub(super) fn span(&self) -> usize {
        self.open.first_key_value().map_or(0, |(lowest, _)| (self.next - lowest) as usize)
    }

    /// A draft went out. `answered` is when its answer is due if it asks for one. Returns whether.
    pub(super) fn sent(&mut self, number: u32, arrives: Instant, answered: Instant) -> bool {
        let Some(packet) = self.open.get_mut(&number) else { return false };
        if packet.state != State::Drafted {
            return false;
        }
        packet.state = State::Sent { arrives, due: packet.asks.then_some(answered) };
        if packet.asks {
            self.asking.insert((answered, number));
        }
        packet.asks
    }

    /// A draft did not go out: what is in it.
    pub(super) fn unsent(&mut self, number: u32) -> Vec<Content> {
        match self.open.get(&number) {
            Some(Packet { state: State::Drafted, .. }) => {
                self.open.remove(&number).map(Packet::unsaid).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// What a reply that was made at `made` says of the packets; what is `margin` late is lost.
    pub(super) fn handle_ack(
        &mut self,
        (floor, bitmap): (u32, &[u8]),
        made: Instant,
        margin: Duration,
        now: Instant,
    ) -> Vec<News> {
        let mut news = Vec::new();
        let mut gone = Vec::new();
        for (&number, packet) in &mut self.open {
            let (arrives, due, was) = match packet.state {
                State::Drafted => continue,
                State::Sent { arrives, due } => (arrives, due, Taken::UnderWay),
                State::Doubtful { arrives } => (arrives, None, Taken::Doubtful),
                State::Lost { arrives, .. } => (arrives, None, Taken::Lost),
            };
            if says(floor, bitmap, number) {
                gone.push((number, arrives, was));
            } else if number >= floor && arrives + margin < made && was != Taken::Lost {
                packet.state = State::Lost { arrives, at: now };
                // Kept as well, in case that it comes after all.
                let again = was == Taken::UnderWay;
                let again = again && !packet.is_copy;
                let contents = if again { packet.contents.clone() } else { Vec::new() };
                remember(&mut self.lost, number);
                news.push(News::Lost { number, contents });
            } else {
                continue;
            }
            if let Some(due) = due {
                self.asking.remove(&(due, number));
            }
        }
        for (number, arrives, was) in gone {
            if let Some(packet) = self.open.remove(&number) {
                self.spurious += u64::from(was != Taken::UnderWay);
                remember(&mut self.arrived, number);
                news.push(News::Arrived { number, packet, was, arrives });
            }
        }
        news
    }

    /// The packet that has waited longest for its answer: what is in it is to be sent again.
    pub(super) fn doubt(&mut self) -> Option<(u32, Vec<Content>)> {
        let (_, number) = self.asking.pop_first()?;
        let packet = self.open.get_mut(&number)?;
        if let State::Sent { arrives, .. } = packet.state {
            packet.state = State::Doubtful { arrives };
        }
        Some((number, packet.contents.clone()))
    }

    /// When the first answer is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.asking.first().map(|(due, _)| *due)
    }

    /// Whether an answer is awaited, or will be.
    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    /// The lowest packet of which not everything is known, after forgetting what is old.
    pub(super) fn floor(&mut self, now: Instant) -> u32 {
        let many = self.open.len() > 512;
        while let Some((&number, packet)) = self.open.first_key_value() {
            let old = |since: Instant, than: Duration| now.saturating_duration_since(since) > than;
            match packet.state {
                State::Lost { at, .. } if many || old(at, MEMORY) => {}
                // Nothing was heard of it for long: there is nothing in it that waits.
                State::Doubtful { arrives } | State::Sent { arrives, due: None }
                    if old(arrives, MEMORY * 10) =>
                {
                    remember(&mut self.lost, number);
                }
                _ => return number,
            }
            self.open.remove(&number);
        }
        self.next
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.asking.clear();
    }
}

fn remember(news: &mut VecDeque<u32>, number: u32) {
    if news.len() >= MAX_NEWS {
        news.pop_front();
    }
    news.push_back(number);
}
