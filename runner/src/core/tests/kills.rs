//! Whatever happens, and however often it is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mixbed_monero::TxId;
use mixbed_monero::daemon::TxState;
use proptest::prelude::*;

use super::{POOL, SECOND, START, accepted, mined, plan, sight, write};
use crate::core::{End, Outcome, Plan, Run, Saved};

/// What happens to a run.
#[derive(Clone, Debug)]
enum Event {
    Make,
    Write,
    Send,
    Accept(u8),
    Lose(u8),
    Mine,
    Forget,
    Kill,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => Just(Event::Make),
        4 => Just(Event::Write),
        6 => Just(Event::Send),
        4 => any::<u8>().prop_map(Event::Accept),
        2 => any::<u8>().prop_map(Event::Lose),
        3 => Just(Event::Mine),
        1 => Just(Event::Forget),
        1 => Just(Event::Kill),
    ];
    proptest::collection::vec(event, 0..200)
}

const WANTED: u32 = 6;

/// A world with one run: each transaction that was ever made, where it was sent, what is mined.
struct World {
    run: Run,
    /// What was written last.
    saved: Saved,
    now: Duration,
    /// Real transactions, as the bytes have to be read again.
    stock: Vec<Vec<u8>>,
    made: usize,
    under_way: Vec<u32>,
    /// Ids that somebody outside has ever heard of, by number.
    heard: BTreeMap<u32, BTreeSet<TxId>>,
    pool: BTreeSet<TxId>,
    chain: BTreeSet<TxId>,
}

/// A transaction's bytes with a nonce in its extra field: each number another one that can be read.
fn readable(nonce: u32) -> Vec<u8> {
    // Version 1, no lock, one input from a coinbase's height, no outputs, four bytes of extra:
    // what monerod would refuse, and what has bytes and an id.
    let mut raw = vec![1, 0, 1, 0xff];
    let mut height = nonce;
    while height >= 0x80 {
        raw.push(u8::try_from(height & 0x7f).expect("seven bits") | 0x80);
        height >>= 7;
    }
    raw.push(u8::try_from(height).expect("seven bits"));
    raw.extend([0, 0]);
    raw
}

impl World {
    fn new() -> Self {
        Self {
            run: Run::new(Plan { interval: Duration::ZERO, ..plan(WANTED) }),
            saved: Saved::default(),
            now: START,
            stock: (1..500).map(readable).collect(),
            made: 0,
            under_way: Vec::new(),
            heard: BTreeMap::new(),
            pool: BTreeSet::new(),
            chain: BTreeSet::new(),
        }
    }

    fn id_of(&self, number: u32) -> Option<TxId> {
        let report = self.run.report();
        let one = report.transactions.iter().find(|one| one.number == number)?;
        one.txid.parse().ok()
    }

    fn look(&mut self) {
        self.now += 5 * SECOND;
        let (numbers, ids): (Vec<u32>, Vec<TxId>) = self.run.watched().into_iter().unzip();
        let states: Vec<_> = ids
            .iter()
            .map(|id| match () {
                () if self.chain.contains(id) => mined(5, 1),
                () if self.pool.contains(id) => POOL,
                () => TxState::Unknown,
            })
            .collect();
        self.run.handle_sights(&numbers, &[sight(100, &states)], self.now);
    }

    fn send(&mut self) {
        while let Some(order) = self.run.poll_send(self.now) {
            let id = TxId::of(&order.raw).expect("readable");
            self.heard.entry(order.number).or_default().insert(id);
            let kept = self
                .saved
                .unresolved
                .iter()
                .any(|one| one.number == order.number && one.hex == hex::encode(&order.raw));
            assert!(kept, "sent before it was written down: {}", order.number);
            self.under_way.push(order.number);
        }
    }

    fn handle(&mut self, event: &Event) {
        match event {
            Event::Make => {
                if let Some((number, _)) = self.run.poll_make() {
                    let raw = self.stock[self.made].clone();
                    self.made += 1;
                    let id = TxId::of(&raw).expect("readable");
                    self.run.handle_made(number, id, raw.into(), self.now);
                }
            }
            Event::Write => self.saved = write(&mut self.run),
            Event::Send => self.send(),
            Event::Accept(which) | Event::Lose(which) if !self.under_way.is_empty() => {
                let at = usize::from(*which) % self.under_way.len();
                let number = self.under_way.remove(at);
                // It has arrived, whether the word of it does or not.
                if let Some(id) = self.id_of(number) {
                    self.pool.insert(id);
                }
                let lost = Outcome::Unknown { words: "lost".to_owned() };
                let outcome = if matches!(event, Event::Accept(_)) { accepted() } else { lost };
                self.run.handle_outcome(number, outcome, self.now);
            }
            Event::Mine => {
                self.chain.append(&mut self.pool);
                self.look();
            }
            Event::Forget => {
                self.pool.clear();
                self.look();
                self.look();
            }
            Event::Kill => {
                self.under_way.clear();
                let plan = self.run.plan().clone();
                let saved = self.saved.clone();
                self.run = Run::resume(plan, saved, self.now).expect("what was written");
                // All that is in it is written.
                self.run.handle_written(1);
            }
            Event::Accept(_) | Event::Lose(_) => {}
        }
        self.run.handle_time(self.now);
    }
}

proptest! {
    /// However often it is killed: each number gets one transaction that anybody hears of, and all
    /// are mined in the end, each once.
    #[test]
    fn each_is_mined_once(events in events()) {
        let mut world = World::new();
        for event in &events {
            world.handle(event);
        }
        for _ in 0..40 {
            world.handle(&Event::Make);
            world.handle(&Event::Write);
            world.handle(&Event::Send);
            world.handle(&Event::Accept(0));
            world.handle(&Event::Mine);
            if world.now > START + Duration::from_secs(299) {
                world.now = START;
            }
        }
        prop_assert_eq!(world.run.end(), Some(&End::Complete), "{:#?}", world.run.report());
        prop_assert_eq!(world.heard.len(), usize::try_from(WANTED).expect("small"));
        for (number, ids) in &world.heard {
            prop_assert_eq!(ids.len(), 1, "number {} was sent as {:?}", number, ids);
        }
        prop_assert_eq!(world.chain.len(), usize::try_from(WANTED).expect("small"));
        let report = world.run.report();
        let numbers: Vec<u32> = report.transactions.iter().map(|one| one.number).collect();
        prop_assert_eq!(numbers, (1..=WANTED).collect::<Vec<_>>());
    }
}
