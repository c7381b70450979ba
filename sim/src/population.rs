//! Everyone who takes part, made of a seed.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use mixbed_client::core::{ClientCore, FailedGateways, Limits as ClientLimits};
use mixbed_directory::follower::FollowerCore;
use mixbed_directory::limits::TOLERATED_SKEW;
use mixbed_directory::voting::PanelError;
use mixbed_directory::{Descriptor, IdentitySecret, Role};
use mixbed_node::Limits;
use mixbed_node::core::{Accounts, NodeCore};
use mixbed_wire::{LinkSecret, NodeId, PacketFormat};

use crate::Config;
use crate::actors::{ActorNo, ClientActor, Following, NodeActor, stream};
use crate::clock::Clock;
use crate::directory::Directory;

/// Everyone, by number.
pub(crate) struct Population<P: PacketFormat> {
    pub(crate) names: Vec<String>,
    pub(crate) numbers: HashMap<NodeId, ActorNo>,
    pub(crate) directory: Directory,
    pub(crate) nodes: Vec<NodeActor<P>>,
    pub(crate) clients: Vec<ClientActor<P>>,
}

/// Each has generators of its own: two a number.
pub(crate) fn make<P: PacketFormat>(config: &Config) -> Result<Population<P>, PanelError> {
    let mut rng = stream(config.seed, 0);
    let (count, parameters) = (config.directories, config.parameters.clone());
    let directory = Directory::new(count, parameters, Clock::wall(0), &mut rng)?;
    let trust = directory.trust();
    let following =
        || Following::new(FollowerCore::new(trust.clone(), TOLERATED_SKEW, Clock::wall(0)));
    let mut names = vec!["directory".to_owned()];
    let mut numbers = HashMap::new();
    let mut nodes = Vec::with_capacity(config.nodes());
    for (name, role) in roles(config) {
        let number = names.len();
        let mut rng = stream(config.seed, 2 * number as u64);
        let identity = IdentitySecret::generate(&mut rng);
        let descriptor = Descriptor {
            name: name.clone(),
            identity: identity.public(),
            role,
            link_key: LinkSecret::generate(&mut rng).public(),
            address: format!("{name}:1"),
            sphinx_keys: Vec::new(),
            services: if role == Role::Provider { vec!["echo".to_owned()] } else { Vec::new() },
            version: String::new(),
        };
        numbers.insert(descriptor.id(), u32::try_from(number).unwrap_or(u32::MAX));
        names.push(name);
        nodes.push(NodeActor {
            core: NodeCore::new(descriptor, &Limits::default()),
            following: following(),
            identity,
            last_issued: SystemTime::UNIX_EPOCH,
            registration: 0,
            rng,
        });
    }
    let mut clients = Vec::with_capacity(config.clients);
    for client in 0..config.clients {
        let number = names.len();
        let mut rng = stream(config.seed, 2 * number as u64);
        let id = NodeId::of_key(LinkSecret::generate(&mut rng).public().as_bytes());
        numbers.insert(id, u32::try_from(number).unwrap_or(u32::MAX));
        names.push(format!("client-{client}"));
        clients.push(ClientActor {
            core: ClientCore::new(id, ClientLimits::default(), &mut rng),
            following: following(),
            failed: FailedGateways::default(),
            gateway: None,
            dialling: false,
            document: None,
            rng,
            user: stream(config.seed, 2 * number as u64 + 1),
            asked: 0,
            open: BTreeMap::new(),
            accounts: Accounts::default(),
        });
    }
    Ok(Population { names, numbers, directory, nodes, clients })
}

fn roles(config: &Config) -> Vec<(String, Role)> {
    let named = |what: &str, count: usize, role: Role| {
        (0..count).map(|at| (format!("{what}-{at}"), role)).collect::<Vec<_>>()
    };
    let mut roles = named("gateway", config.gateways, Role::Gateway);
    for layer in 1..=mixbed_directory::limits::LAYERS {
        roles.extend(named(&format!("mix-{layer}"), config.mixes_a_layer, Role::Mix { layer }));
    }
    roles.extend(named("provider", config.providers, Role::Provider));
    roles
}
