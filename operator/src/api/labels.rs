//! Names that objects in a cluster are found by.

/// The API group of the custom resources.
pub const GROUP: &str = "mixbed.dev";

/// What this operator's server-side applies are signed with.
pub const FIELD_MANAGER: &str = "mixbed-operator";

/// Label: the Mixnet that an object belongs to.
pub const MIXNET_LABEL: &str = "mixbed.dev/mixnet";

/// Label: the Broadcast that an object belongs to.
pub const BROADCAST_LABEL: &str = "mixbed.dev/broadcast";

/// Label: how the wallet in a Broadcast's pod reaches a monerod; see [`THROUGH_MIXNET`].
pub const WALLET_LABEL: &str = "mixbed.dev/wallet";

/// The value of [`WALLET_LABEL`] on pods that are let to no monerod.
pub const THROUGH_MIXNET: &str = "mixnet";

/// Label: a mix's layer, 1 to 3.
pub const LAYER_LABEL: &str = "mixbed.dev/layer";

/// Label: what a pod does: `gateway`, `mix`, `provider`, `directory`, `miner` or `broadcast`.
pub const COMPONENT_LABEL: &str = "app.kubernetes.io/component";

/// The component of the Secret that a directory keeps its state in: the operator does not read it.
pub const STATE_COMPONENT: &str = "directory-state";

/// Label: what an object is a part of: `mixbed`.
pub const NAME_LABEL: &str = "app.kubernetes.io/name";

/// Label: which mixbed; its value is the Mixnet's name.
pub const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";

/// Label: `true` on the pods that are nodes: gateways, mixes and providers.
pub const NODE_LABEL: &str = "mixbed.dev/node";

/// Label: who made an object; its value is [`FIELD_MANAGER`].
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";

/// Annotation: the hash of what was last applied.
pub const APPLIED_ANNOTATION: &str = "mixbed.dev/applied";

/// The directory's port for documents (gRPC).
pub const DIRECTORY_PORT: u16 = 7100;
/// The directory's port for metrics, and for health with its reasons.
pub const DIRECTORY_HTTP_PORT: u16 = 7101;
/// The directory's port for probes.
pub const DIRECTORY_PROBES_PORT: u16 = 7102;
/// A node's port for links.
pub const LINK_PORT: u16 = 7200;
/// A node's port for metrics, and for health with its reasons.
pub const NODE_HTTP_PORT: u16 = 7201;
/// A node's port for probes.
pub const NODE_PROBES_PORT: u16 = 7202;
/// The miner's port for orders and metrics.
pub const MINER_PORT: u16 = 7301;
/// The miner's port for probes.
pub const MINER_PROBES_PORT: u16 = 7302;
/// The operator's port for metrics, and for health with its reasons.
pub const OPERATOR_HTTP_PORT: u16 = 7401;
/// The operator's port for probes.
pub const OPERATOR_PROBES_PORT: u16 = 7402;
/// monerod's RPC port, for the miner and Broadcasts; clients reach the restricted one by this number.
pub const MONEROD_PORT: u16 = 18081;
/// monerod's restricted RPC port, on its pod's loopback: what its provider asks, and what clients
/// reach through the mixnet.
pub const MONEROD_RESTRICTED_PORT: u16 = 18089;
/// monerod's port for its peers.
pub const MONEROD_P2P_PORT: u16 = 18080;
/// monero-wallet-rpc's port, inside a Broadcast's pod.
pub const WALLET_PORT: u16 = 18083;
/// The port of the mixnet's end for the wallet, inside a Broadcast's pod.
pub const WALLET_DAEMON_PORT: u16 = 18089;
/// The name that providers have for their own monerod: clients connect to it through the mixnet.
pub const MONEROD_NAME: &str = "monerod.mixbed";
