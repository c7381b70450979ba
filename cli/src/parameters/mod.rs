//! The network's traffic parameters: changes of them, from flags and files, and how they are shown.

mod change;

pub(crate) use change::{Change, RateChanges, read_change};

use mixbed_directory::{Parameters, Rates};

/// The parameters as lines for people, the impairments apart.
pub(crate) fn lines(parameters: &Parameters) -> String {
    let Parameters { mean_hop_delay, tracing_allowed, epoch_length, rates, impairments } =
        parameters;
    let Rates { payload, drop, client_loop, node_loop, downlink } = rates;
    let rate = |rate: &f64, off: &str| match rate {
        0.0 => format!("off: {off}"),
        rate => format!("{rate} a second"),
    };
    let tracing = if *tracing_allowed { "allowed" } else { "not allowed" };
    [
        format!("mean hop delay  {}", humantime::format_duration(*mean_hop_delay)),
        format!("epoch length    {}", humantime::format_duration(*epoch_length)),
        format!("tracing         {tracing}"),
        format!("payload         {}", rate(payload, "clients send at once, and it shows")),
        format!("drop            {}", rate(drop, "no drops besides those in payload's place")),
        format!("client loop     {}", rate(client_loop, "clients do not see what is lost")),
        format!("node loop       {}", rate(node_loop, "nodes do not see what is lost")),
        format!("downlink        {}", rate(downlink, "clients receive at once, and it shows")),
        format!("impairments     {}: see mixbed impair", impairments.len()),
    ]
    .join("\n")
}
