//! What containers ask for and get at most, and the figures that this comes from.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::api::Resources;
use crate::mixnet::quantity::thousandths;

/// Requests, and the limit of memory. The processor has no limit: whoever is held back in the
/// middle of a packet makes all packets behind it late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// Of a core.
    pub cpu: &'static str,
    /// What is there for certain.
    pub memory: &'static str,
    /// What it is ended at.
    pub most_memory: &'static str,
}

const fn amounts(cpu: &'static str, memory: &'static str, most_memory: &'static str) -> Amounts {
    Amounts { cpu, memory, most_memory }
}

/// A directory: 14 MiB with ten nodes, of which 2 are its own data; a document has at most 1 MiB.
pub const DIRECTORY: Amounts = amounts("20m", "24Mi", "128Mi");

/// A gateway: 14 MiB idle. Its bounds: 50 MiB in the mixing pool, 100 for all clients' links,
/// 64 of letters in memory or 30 of their index, 25 bytes a packet to know copies by.
pub const GATEWAY: Amounts = amounts("50m", "32Mi", "512Mi");

/// A mix: 13.5 MiB idle. Its bounds: 50 MiB in the mixing pool, 3 a link, 25 bytes a packet.
pub const MIX: Amounts = amounts("50m", "24Mi", "384Mi");

/// A provider without its monerod: 13.5 MiB idle. Its bounds: a mix's, and three times 64 MiB of
/// unfinished, running and answered requests.
pub const PROVIDER: Amounts = amounts("50m", "32Mi", "512Mi");

/// A monerod: 285 MiB flat with the miner's way of mining (HWM 297 after 300 blocks), 27 before
/// the first block; 52 ms of a core a block.
pub const MONEROD: Amounts = amounts("50m", "320Mi", "448Mi");

/// The miner: it keeps nothing but how high the chains are.
pub const MINER: Amounts = amounts("10m", "16Mi", "64Mi");

/// The operator, which the chart has: it is counted here with the rest of a small net.
pub const OPERATOR: Amounts = amounts("20m", "40Mi", "96Mi");

/// A wallet: 22 MiB idle, 35 MiB after refresh and transfers.
pub const WALLET: Amounts = amounts("50m", "48Mi", "128Mi");

/// What copies the program that starts a wallet: 1.5 MB, once.
pub const LAUNCH: Amounts = amounts("10m", "16Mi", "32Mi");

/// What sends a Broadcast.
pub const BROADCAST: Amounts = amounts("50m", "48Mi", "256Mi");

impl Amounts {
    /// The same, raised to what no container asks less than or is allowed less than.
    #[must_use]
    pub fn at_least(self, spec: Option<&Resources>, least: &Resources) -> ResourceRequirements {
        let ResourceRequirements { requests, limits, claims } = self.or(spec);
        let requests = raised(requests.unwrap_or_default(), &least.requests);
        let mut limits = raised(limits.unwrap_or_default(), &least.limits);
        // What is asked for must be allowed too.
        for (name, limit) in &mut limits {
            if let Some(request) = requests.get(name) {
                raise(limit, request);
            }
        }
        ResourceRequirements { requests: Some(requests), limits: Some(limits), claims }
    }

    /// Of a container, unless the spec says otherwise: what it names goes before what is here.
    #[must_use]
    pub fn or(self, spec: Option<&Resources>) -> ResourceRequirements {
        let of = |own: &[(&str, &str)], spec: Option<&BTreeMap<String, Quantity>>| {
            let own = own
                .iter()
                .map(|(name, amount)| ((*name).to_owned(), Quantity((*amount).to_owned())));
            let spec =
                spec.into_iter().flatten().map(|(name, amount)| (name.clone(), amount.clone()));
            Some(own.chain(spec).collect())
        };
        ResourceRequirements {
            requests: of(
                &[("cpu", self.cpu), ("memory", self.memory)],
                spec.map(|spec| &spec.requests),
            ),
            limits: of(&[("memory", self.most_memory)], spec.map(|spec| &spec.limits)),
            claims: None,
        }
    }
}

fn raised(
    mut amounts: BTreeMap<String, Quantity>,
    least: &BTreeMap<String, Quantity>,
) -> BTreeMap<String, Quantity> {
    for (name, least) in least {
        raise(amounts.entry(name.clone()).or_insert_with(|| least.clone()), least);
    }
    amounts
}

/// To the other amount, if that is more.
fn raise(amount: &mut Quantity, other: &Quantity) {
    if thousandths(amount) < thousandths(other) {
        amount.clone_from(other);
    }
}
