//! What nodes and admins send to an authority, with good signatures and proofs of anything.

use std::time::{Duration, SystemTime};

use mixbed_directory::authority::{Core, CoreConfig};
use mixbed_directory::limits::MAX_NODES;
use mixbed_directory::{
    Admission, Departure, Document, JoinSecret, Order, Parameters, Registration, Rejection, Role,
    Trust,
};

use crate::Seed;
use crate::descriptor::node;
use crate::input::Input;
use crate::signing::{JOIN_SECRET, field, identity, number, prove, public, sign};

const NETWORK: &str = "fuzz";
const SKEW: Duration = Duration::from_secs(10);

/// The seed of the one admin key.
const ADMIN: u8 = 98;

/// Whatever comes, by whoever knows the join secret or has the admin key: the authority goes on issuing documents that
/// followers believe, which list exactly what was registered last and has not left or run out.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let config = CoreConfig {
        network: NETWORK.to_owned(),
        join_secrets: vec![JoinSecret::new(JOIN_SECRET).expect("long enough")],
        admission: Admission::Open,
        admins: vec![public(ADMIN)],
        parameters: Parameters::default(),
        lease: Duration::from_secs(60),
    };
    let mut core = Core::new(config, identity(99), now);
    let trust = Trust::single(NETWORK, core.public_key());
    for _ in 0..16 {
        let kind = input.byte();
        now += Duration::from_millis(u64::from(input.u16()));
        let issued_at = millis(now).wrapping_add(u64::from(input.byte())).wrapping_sub(8);
        let seed = 1 + input.byte() % 4;
        let body = input.long();
        let spoilt = input.byte() % 16 == 15;
        match kind % 4 {
            0 => raw(&mut core, body, seed, now),
            1 => {
                let order = order(issued_at, body, spoilt);
                let result = core.handle_order(&order, now);
                assert!(!(spoilt && result.is_ok()));
            }
            2 => {
                let departure = departure(issued_at, seed, spoilt);
                let result = core.handle_unregister(&departure, now);
                assert!(!(spoilt && result.is_ok()));
            }
            _ => {
                let registration = registration(issued_at, body, seed, spoilt);
                match core.handle_register(&registration, now) {
                    // Where there is a list, the join secret counts for nothing.
                    Ok(_) => assert!(!spoilt || core.admission().list().is_some()),
                    Err(Rejection::WrongJoinSecret { .. }) => assert!(spoilt),
                    Err(_) => {}
                }
            }
        }
        // Leases that are over are found before what changed is due, and change something.
        core.poll(now).expect("a valid document");
        while core.is_pending() {
            now = now.max(core.poll_at());
            core.poll(now).expect("a valid document");
        }
        check(&core, &trust, now);
        if input.is_empty() {
            return;
        }
    }
}

fn check(core: &Core, trust: &Trust, now: SystemTime) {
    let issued = core.documents().back().expect("there is always one");
    let document = issued.signed.verify(trust, now, SKEW).expect("followers believe it");
    assert_eq!(Ok(&document), Document::from_bytes(&issued.signed.bytes).as_ref());
    assert_eq!(document, *issued.document);
    let listed: Vec<_> =
        core.snapshot().members.into_iter().map(|member| member.descriptor).collect();
    assert!(listed.len() <= MAX_NODES);
    assert_eq!(document.nodes, listed);
}

/// A registration's bytes as the input has them, proven and signed.
fn raw(core: &mut Core, body: &[u8], seed: u8, now: SystemTime) {
    let _ = core.handle_register(&prove_registration(body.to_vec(), seed, false), now);
}

fn registration(issued_at: u64, descriptor: &[u8], seed: u8, spoilt: bool) -> Registration {
    let signature = sign(seed, b"mixbed descriptor v1\0", descriptor);
    let signed = [field(1, descriptor), field(2, signature.as_bytes())].concat();
    let bytes = [field(1, NETWORK.as_bytes()), number(2, issued_at), field(3, &signed)].concat();
    prove_registration(bytes, seed, spoilt)
}

fn prove_registration(bytes: Vec<u8>, seed: u8, spoilt: bool) -> Registration {
    let signature = sign(seed, b"mixbed registration v1\0", &bytes);
    let parts = [NETWORK.as_bytes(), &bytes, signature.as_bytes()];
    let domain: &[u8] = if spoilt { b"other\0" } else { b"mixbed join v1\0" };
    let proof = prove(domain, &parts);
    Registration::from_parts(bytes, signature, proof)
}

fn departure(issued_at: u64, seed: u8, spoilt: bool) -> Departure {
    let identity = public(seed);
    let bytes = [field(1, NETWORK.as_bytes()), number(2, issued_at), field(3, identity.as_bytes())]
        .concat();
    let signer = if spoilt { seed + 1 } else { seed };
    let signature = sign(signer, b"mixbed departure v1\0", &bytes);
    Departure::from_parts(bytes, signature)
}

/// An order with what the input has for its instruction, field number and all.
fn order(issued_at: u64, instruction: &[u8], spoilt: bool) -> Order {
    let head = [field(1, NETWORK.as_bytes()), number(2, issued_at)].concat();
    let bytes = [&head, instruction].concat();
    let signer = if spoilt { ADMIN - 1 } else { ADMIN };
    let signature = sign(signer, b"mixbed order v1\0", &bytes);
    Order::from_parts(bytes, public(ADMIN), signature)
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Nodes that come, come again, leave and run out; parameters that change; garbage.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let step = |kind: u8, pause: u16, ahead: u8, seed: u8, body: &[u8]| {
        let length = u16::try_from(body.len()).expect("short").to_be_bytes();
        let head = [&[kind], pause.to_be_bytes().as_slice(), &[8 + ahead, seed - 1]].concat();
        [head.as_slice(), &length, body, &[0]].concat()
    };
    let register =
        |seed, role, ahead| step(3, 5, ahead, seed, &node(seed, role).sign(&identity(seed)).bytes);
    // Mean delay 20 ms, epochs of 5 s, rates all 0: protobuf by hand.
    let rates: &[u8] = &[0x22, 0];
    let parameters = [number(1, 20_000).as_slice(), &number(3, 5_000), rates].concat();
    let gateway = || register(1, Role::Gateway, 0);
    let leave = step(2, 50, 0, 1, &[]);
    let twice = [gateway(), register(2, Role::Provider, 1), register(1, Role::Gateway, 9)];
    let run_out = step(1, 65_000, 0, 1, &field(4, &parameters));
    vec![
        ("register", gateway()),
        ("twice", twice.concat()),
        ("leave", [gateway(), leave].concat()),
        ("order", [gateway(), run_out].concat()),
        ("list", [gateway(), step(1, 50, 0, 1, &field(5, &number(1, 1)))].concat()),
        ("garbage", step(0, 1, 0, 1, &[0x0a, 4, b'f', b'u', b'z', b'z', 0x10, 1])),
    ]
}
