//! The true carrier: a small network's keys, sealed packets, five hops each way.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mixbed_client::core::{self, Draft, Messenger, Net, Return, Sealed, Sent, Weights};
use mixbed_directory::{Descriptor, Document, IdentitySecret, Parameters, Role, SphinxKey};
use mixbed_wire::message::{Answer, MAX_FRAGMENT_DATA};
use mixbed_wire::{
    DropReason, Exit, Identifier, LinkSecret, NodeId, Packet, REPLY_BLOCK_SIZE, ReplyBlock,
    ReplyKey, SealedReply, SphinxSecret, Unwrapped,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::pair::{Carrier, Pair};

/// A packet, and where it is handed in.
#[derive(Clone)]
pub(crate) struct AtHop {
    node: NodeId,
    packet: Packet,
}

pub(crate) struct Sphinx {
    secrets: HashMap<NodeId, SphinxSecret>,
    net: Net,
    own: Return,
    own_secret: SphinxSecret,
    provider: NodeId,
}

impl Sphinx {
    /// Two gateways, two mixes a layer, one provider.
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed ^ 0x5eed);
        let mut secrets = HashMap::new();
        let mut nodes = Vec::new();
        let mut add = |name: &str, role| {
            let identity = IdentitySecret::generate(&mut rng).public();
            let secret = SphinxSecret::generate(&mut rng);
            nodes.push(Descriptor {
                name: name.to_owned(),
                identity,
                role,
                link_key: LinkSecret::generate(&mut rng).public(),
                address: "127.0.0.1:1".to_owned(),
                sphinx_keys: vec![SphinxKey { epoch: 1, key: secret.public() }],
                services: Vec::new(),
                version: String::new(),
            });
            secrets.insert(identity.id(), secret);
            identity.id()
        };
        let gateway = add("gateway-0", Role::Gateway);
        add("gateway-1", Role::Gateway);
        for layer in 1..=3 {
            add(&format!("mix-{layer}-0"), Role::Mix { layer });
            add(&format!("mix-{layer}-1"), Role::Mix { layer });
        }
        let provider = add("provider-0", Role::Provider);
        nodes.sort_by_key(Descriptor::id);
        let now = SystemTime::UNIX_EPOCH;
        let document = Document {
            network: "test".to_owned(),
            epoch: 1,
            revision: 1,
            valid_from: now,
            epoch_end: now + Duration::from_secs(600),
            valid_until: now + Duration::from_secs(1200),
            parameters: Parameters::default(),
            nodes,
        };
        document.validate().expect("a valid document");
        let own_secret = SphinxSecret::generate(&mut rng);
        let id = NodeId::of_key(LinkSecret::generate(&mut rng).public().as_bytes());
        let own = Return { id, key: own_secret.public() };
        secrets.insert(id, own_secret.clone());
        Self {
            secrets,
            net: Net {
                epoch: document.epoch,
                document: Arc::new(document),
                gateway,
                weights: Weights::default(),
            },
            own,
            own_secret,
            provider,
        }
    }

    /// Takes a packet through its hops; its end, and how long they hold it.
    fn travel(&self, AtHop { mut node, mut packet }: AtHop) -> (Exit, NodeId, Duration) {
        let mut held = Duration::ZERO;
        loop {
            let opened = packet.open(&self.secrets[&node]).expect("for this hop");
            match opened.unwrap(packet).expect("well made") {
                Unwrapped::Forward { next, delay, packet: inner } => {
                    held += delay;
                    node = next.node;
                    packet = inner;
                }
                Unwrapped::Exit(exit) => return (exit, node, held),
            }
        }
    }
}

impl Carrier for Sphinx {
    type Packet = AtHop;
    type Key = ReplyKey;
    type Block = ReplyBlock;

    fn seal(&mut self, draft: &Draft, rng: &mut ChaCha20Rng) -> (Sent<ReplyKey>, AtHop) {
        let draft = Draft { provider: self.provider, ..draft.clone() };
        let sealed = core::seal(&draft, &self.net, self.own, None, rng).expect("sealed");
        let Sealed { packet, sent, route } = sealed;
        assert_eq!((route[0], route[4]), (self.net.gateway, self.provider));
        let packet = AtHop { node: self.net.gateway, packet };
        let (_, end, held) = self.travel(packet.clone());
        assert_eq!((end, held), (self.provider, sent.there), "the sender knows its delays");
        (sent, packet)
    }

    fn arrive(&mut self, packet: AtHop) -> Vec<u8> {
        self.travel(packet).0.plaintext().expect("whole")
    }

    fn block(&mut self, bytes: &[u8; REPLY_BLOCK_SIZE]) -> ReplyBlock {
        ReplyBlock::from_bytes(bytes).expect("a block")
    }

    fn reply(&mut self, block: ReplyBlock, answer: &Answer) -> (Duration, AtHop) {
        let SealedReply { first_hop, wait, packet } =
            block.reply(&answer.encode()).expect("it fits");
        let packet = AtHop { node: first_hop.node, packet };
        let (_, end, held) = self.travel(packet.clone());
        assert_eq!(end, self.own.id);
        (wait + held, packet)
    }

    fn read(
        &mut self,
        messenger: &Messenger<ReplyKey>,
        AtHop { mut node, mut packet }: AtHop,
    ) -> Result<(Identifier, Vec<u8>), DropReason> {
        while node != self.own.id {
            match packet.open(&self.secrets[&node])?.unwrap(packet)? {
                Unwrapped::Forward { next, packet: inner, .. } => {
                    node = next.node;
                    packet = inner;
                }
                Unwrapped::Exit(_) => panic!("{node} is not the client"),
            }
        }
        let opened = core::open(packet, &self.own_secret)?;
        let plaintext = messenger.key(&opened.identifier)?.read(opened.exit)?;
        Ok((opened.identifier, plaintext))
    }
}

/// The longest payload of `monero.submit` is what counts; `echo` has a shorter name.
#[test]
fn a_usual_transaction_is_one_packet_there_and_one_back() {
    let transaction = vec![7; 2166];
    let request = mixbed_wire::message::Request { service: "monero.submit", payload: &transaction };
    assert!(request.encode().expect("it fits").len() <= MAX_FRAGMENT_DATA);
    for seed in 0..10 {
        let mut pair = Pair::new(Sphinx::new(seed), seed, 0.0);
        let message = pair.order(&transaction, Duration::from_secs(60));
        let delivered = pair.finish(message).expect("answered");
        assert_eq!(delivered.response, mixbed_wire::message::Response::Ok(transaction.clone()));
        assert_eq!((pair.counts.there, pair.counts.back), (1, 1), "seed {seed}");
        let tried = delivered.tried;
        assert_eq!((tried.packets_sent, tried.packets_received, tried.retransmissions), (1, 1, 0));
        let overhead = delivered.elapsed.checked_sub(delivered.mixing_delay);
        assert!(overhead.is_some_and(|overhead| overhead <= Duration::from_millis(45)));
        pair.run();
        pair.assert_clean();
    }
}

#[test]
fn a_sweep_of_41_inputs_goes_through_with_a_fifth_of_all_packets_lost() {
    let transaction: Vec<u8> = (0..27_867_u32).map(|i| i.to_be_bytes()[3]).collect();
    let mut pair = Pair::new(Sphinx::new(1), 1, 0.2);
    let message = pair.order(&transaction, Duration::from_secs(600));
    let delivered = pair.finish(message).expect("answered");
    assert_eq!(delivered.response, mixbed_wire::message::Response::Ok(transaction));
    assert!(pair.runs.values().all(|runs| *runs == 1));
    pair.run();
    pair.assert_clean();
}
