//! Of the core, in virtual time, against monerods that are made up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::core::{Core, Order, Purpose, Sight, Step};
use super::fund::Funded;
use super::{Address, NOBODY, Rules};

const SECOND: Duration = Duration::from_secs(1);

/// A chain, as hashes.
type Chain = Vec<[u8; 32]>;

#[derive(Clone, Debug)]
struct Fake {
    chain: Chain,
    up: bool,
    synchronized: bool,
    pool: u64,
    /// Takes transactions into blocks.
    includes: bool,
}

struct World {
    core: Core,
    now: Instant,
    fakes: Vec<Fake>,
    made: u8,
    orders: Vec<Order>,
    /// Outputs by address in blocks, by hash.
    paid: BTreeMap<[u8; 32], u64>,
}

fn address() -> Address {
    NOBODY.parse().unwrap()
}

/// Another one: from monero's donations.
fn other() -> Address {
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"
        .parse()
        .unwrap()
}

impl World {
    fn new(monerods: usize) -> Self {
        let fake =
            Fake { chain: vec![[0; 32]], up: true, synchronized: true, pool: 0, includes: true };
        Self {
            core: Core::new(Rules::default(), monerods),
            now: Instant::now(),
            fakes: vec![fake; monerods],
            made: 0,
            orders: Vec::new(),
            paid: BTreeMap::new(),
        }
    }

    fn look(&mut self) {
        for (at, fake) in self.fakes.iter().enumerate() {
            let sight = fake.up.then_some(Sight {
                height: fake.chain.len() as u64,
                synchronized: fake.synchronized,
                pool: fake.pool,
            });
            self.core.handle_sight(at, sight, self.now);
        }
    }

    /// The longest chain reaches all that are up.
    fn spread(&mut self) {
        let up = self.fakes.iter().filter(|fake| fake.up && fake.synchronized);
        let Some(longest) = up.map(|fake| fake.chain.clone()).max_by_key(Vec::len) else { return };
        for fake in self.fakes.iter_mut().filter(|fake| fake.up) {
            if fake.chain.len() < longest.len() {
                fake.chain.clone_from(&longest);
            }
            fake.synchronized = true;
        }
    }

    /// One step, carried out.
    fn step(&mut self) -> Step {
        let step = self.core.poll(self.now);
        match &step {
            Step::Mine(order) => self.mine(order.clone()),
            Step::Check { job, at, blocks } => {
                let chain = &self.fakes[*at].chain;
                let is_lost = |(height, hash): &&(u64, [u8; 32])| {
                    chain.get(usize::try_from(*height).unwrap()) != Some(hash)
                };
                let lost: Vec<u64> = blocks.iter().filter(is_lost).map(|(h, _)| *h).collect();
                self.core.handle_checked(*job, Some(&lost));
            }
            Step::Wait(_) => {}
        }
        step
    }

    fn mine(&mut self, order: Order) {
        let fake = &mut self.fakes[order.at];
        assert!(fake.synchronized, "mined at one that is not synchronized: {order:?}");
        if !fake.up || (fake.chain.len() as u64) < order.above {
            self.core.handle_failed(order.at, self.now);
            return;
        }
        self.now += Duration::from_millis(50);
        self.made = self.made.wrapping_add(1);
        let (height, hash) = (fake.chain.len() as u64, [self.made; 32]);
        fake.chain.push(hash);
        let transactions = if fake.includes { std::mem::take(&mut fake.pool) } else { 0 };
        self.core.handle_mined(&order, hash, height, transactions, self.now);
        if order.pays.is_some() {
            self.paid.insert(hash, order.outputs);
        }
        self.orders.push(order);
    }

    /// Steps with looks between them, blocks spreading at once, for so long.
    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.look();
            if matches!(self.step(), Step::Wait(_)) {
                self.now += Duration::from_millis(250);
            }
            self.spread();
        }
    }

    fn funded(&mut self) -> Option<Funded> {
        self.core.poll_funded()
    }

    fn heights(&self) -> Vec<usize> {
        self.fakes.iter().map(|fake| fake.chain.len()).collect()
    }
}

#[test]
fn an_idle_chain_does_not_grow() {
    let mut world = World::new(2);
    world.run(100 * SECOND);
    assert_eq!(world.heights(), [5, 5]);
    assert!(
        world.orders.iter().all(|order| order.purpose == Purpose::Start && order.outputs == 16)
    );
}

#[test]
fn transactions_are_mined_where_they_wait_and_ten_blocks_come_after() {
    let mut world = World::new(2);
    world.run(10 * SECOND);
    world.orders.clear();
    world.fakes[1].pool = 3;
    world.run(SECOND);
    assert_eq!(world.fakes[1].pool, 0, "not more than a look is between");
    assert_eq!((world.orders[0].at, world.orders[0].purpose), (1, Purpose::Transactions));
    let began = world.now;
    while world.orders.len() < 11 {
        world.run(SECOND / 4);
        assert!(world.now < began + 25 * SECOND, "{:?}", world.orders);
    }
    assert!(world.now > began + 18 * SECOND, "a block each two seconds");
    world.run(100 * SECOND);
    assert_eq!(world.orders.len(), 11);
}

#[test]
fn transactions_that_no_block_takes_do_not_make_the_chain_grow_for_ever() {
    let mut world = World::new(1);
    world.run(10 * SECOND);
    world.orders.clear();
    (world.fakes[0].pool, world.fakes[0].includes) = (2, false);
    world.run(200 * SECOND);
    let given_up = world.orders.len();
    assert!((20..=31).contains(&given_up), "{given_up}");
    world.fakes[0].pool = 3;
    world.fakes[0].includes = true;
    world.run(SECOND);
    assert_eq!(world.fakes[0].pool, 0, "another one is tried");
    world.run(100 * SECOND);
    world.fakes[0].pool = 1;
    world.run(SECOND);
    assert_eq!(world.fakes[0].pool, 0);
}

#[test]
fn money_is_paid_and_made_spendable_at_once() {
    let mut world = World::new(2);
    world.look();
    world.core.handle_fund(address(), 60).unwrap();
    let began = world.now;
    world.run(6 * SECOND);
    let funded = world.funded().unwrap();
    assert_eq!((funded.outputs, funded.blocks, funded.height), (60, 64, 69));
    assert_eq!(world.paid.values().copied().collect::<Vec<_>>(), [16, 16, 16, 12]);
    assert_eq!(world.heights(), [69, 69]);
    assert!(world.now < began + 7 * SECOND);
    assert_eq!(world.funded(), None);
}

#[test]
fn two_callers_share_what_comes_on_top() {
    let mut world = World::new(1);
    world.look();
    let first = world.core.handle_fund(address(), 10).unwrap();
    let second = world.core.handle_fund(other(), 20).unwrap();
    assert_eq!(world.core.handle_fund(address(), 5).unwrap(), first, "asked for again");
    world.run(10 * SECOND);
    let (one, two) = (world.funded().unwrap(), world.funded().unwrap());
    assert_eq!((one.job, one.outputs), (first, 10));
    assert_eq!((two.job, two.outputs), (second, 20));
    assert_eq!(world.heights(), [1 + 4 + 3 + 60]);
}

#[test]
fn callers_are_bounded() {
    let mut jobs = super::fund::Jobs::default();
    let made: Vec<_> = (0..17)
        .map(|n| Address { text: format!("{n}"), ..address() })
        .map(|address| jobs.add(address, 1))
        .collect();
    assert!(made[..16].iter().all(Result::is_ok) && made[16].is_err());
}

#[test]
fn one_that_is_not_synchronized_is_left_alone() {
    let mut world = World::new(2);
    world.run(10 * SECOND);
    // The first loses everything, and comes back alone.
    world.fakes[0] = Fake { chain: vec![[0; 32]], synchronized: false, ..world.fakes[0].clone() };
    world.orders.clear();
    world.look();
    world.fakes[1].pool = 1;
    for _ in 0..200 {
        world.look();
        world.step();
        world.now += SECOND / 4;
    }
    assert_eq!(world.orders.len(), 11);
    assert!(world.orders.iter().all(|order| order.at == 1));
    assert_eq!(world.heights(), [1, 16]);
    world.spread();
    world.fakes[0].pool = 1;
    world.run(SECOND);
    assert_eq!(world.orders.last().unwrap().at, 0, "it is mined at again");
}

#[test]
fn an_empty_chain_takes_over_only_when_the_other_stays_away() {
    let mut world = World::new(2);
    world.run(10 * SECOND);
    world.core.handle_fund(address(), 5).unwrap();
    world.look();
    world.step();
    world.orders.clear();
    // One says that it is in step, with less than there was; the other is away.
    world.fakes[0] = Fake { chain: vec![[0; 32]], ..world.fakes[0].clone() };
    world.fakes[1].up = false;
    let began = world.now;
    world.run(9 * SECOND);
    assert!(world.orders.is_empty(), "{:?}", world.orders);
    world.run(10 * SECOND);
    assert!(world.orders[0].purpose == Purpose::Start && world.now >= began + 10 * SECOND);
    let funded = world.funded().expect("paid again on the new chain");
    assert_eq!((funded.outputs, funded.height), (5, 1 + 4 + 1 + 60));
}

#[test]
fn blocks_that_were_lost_are_paid_again() {
    let mut world = World::new(2);
    world.run(10 * SECOND);
    world.core.handle_fund(address(), 16).unwrap();
    world.look();
    world.step();
    assert_eq!(world.heights(), [6, 5]);
    // It dies before the block has reached the other, which goes on.
    world.fakes[0].up = false;
    world.run(30 * SECOND);
    assert_eq!(world.paid.len(), 2);
    let funded = world.funded().unwrap();
    assert_eq!((funded.outputs, funded.height), (16, 66));
    assert!(world.paid.contains_key(&world.fakes[1].chain[5]));
}

#[test]
fn another_chain_of_the_same_length_is_noticed() {
    let mut world = World::new(1);
    world.run(10 * SECOND);
    world.core.handle_fund(address(), 16).unwrap();
    world.look();
    world.step();
    // A reorganisation replaces the block.
    *world.fakes[0].chain.last_mut().unwrap() = [0xff; 32];
    world.run(10 * SECOND);
    assert_eq!(world.funded().unwrap().outputs, 16);
    assert_eq!(world.paid.len(), 2);
}

#[test]
fn a_monerod_that_takes_no_blocks_makes_room_for_the_next() {
    let mut world = World::new(3);
    world.run(10 * SECOND);
    world.orders.clear();
    for fake in &mut world.fakes {
        fake.pool = 1;
    }
    world.look();
    // It goes after the look.
    world.fakes[0].up = false;
    assert!(matches!(world.step(), Step::Mine(order) if order.at == 0), "ties: the first");
    assert!(world.orders.is_empty());
    assert!(matches!(world.step(), Step::Mine(order) if order.at == 1));
    assert_eq!(world.orders.len(), 1);
    // Nothing is lost for good: it is tried again later.
    world.fakes[0].up = true;
    world.spread();
    world.now += 3 * SECOND;
    world.look();
    assert!(matches!(world.step(), Step::Mine(order) if order.at == 0));
}

#[test]
fn a_look_that_began_before_a_block_is_out_of_date() {
    let mut world = World::new(1);
    world.look();
    let asked = world.now;
    world.step();
    world.core.handle_sight(0, Some(Sight { height: 1, synchronized: true, pool: 0 }), asked);
    assert!(matches!(world.step(), Step::Mine(order) if order.above == 2));
}
