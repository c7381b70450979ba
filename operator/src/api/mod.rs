//! The custom resources of `mixbed.dev/v1alpha1`.
//!
//! The definitions that clusters get, their defaults, limits and descriptions are made from these
//! types: what is written here is what `kubectl explain` says.

mod broadcast;
mod condition;
mod definitions;
mod every_pod;
mod impairment;
mod labels;
mod mixnet;
mod mixnet_status;
mod parameters;
mod pods;
mod rate;
mod report;
mod text;

pub use broadcast::{
    Broadcast, BroadcastPhase, BroadcastSpec, BroadcastStatus, BroadcastWallet, FailureCount,
    Latency, SHOWN_TRANSACTIONS, WalletWay,
};
pub use condition::{condition, is_true, set_condition};
pub use definitions::definitions;
pub use every_pod::{EveryPod, PodDefaults, PullSecret};
pub use impairment::Impairment;
pub use labels::*;
pub use mixnet::{
    Directory, Gateways, Images, Mixes, Mixnet, MixnetSpec, OutsideNode, Providers, Tracing,
};
pub use mixnet_status::{Endpoints, MixnetStatus, NodeState};
pub use parameters::{Parameters, ParametersError, Rates};
pub use pods::{Monerod, PodSettings, Resources, Scheduling, Storage};
pub use rate::Rate;
pub use report::{REPORT_KEY, Report, ReportedTransaction, TransactionState};
pub use text::{Period, PeriodError};
