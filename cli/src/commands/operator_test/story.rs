//! What a test tells of its transaction.

use kube::ResourceExt as _;
use mixbed_operator::api::{BroadcastStatus, Mixnet};

/// The whole story, a line each.
pub(super) fn of(mixnet: &Mixnet, broadcast: &str, status: &BroadcastStatus) -> String {
    let mut lines = vec![format!("Broadcast {broadcast}: {:?}, {}", status.phase, status.message)];
    for transaction in &status.transactions {
        lines.push(format!("transaction  {}", transaction.txid));
        if let Some(provider) = &transaction.provider {
            let after = transaction.latency_ms.map(|ms| format!(" after {ms} ms"));
            lines.push(format!("accepted     by {provider}{}", after.unwrap_or_default()));
        }
        if let Some(height) = transaction.height {
            lines.push(format!("mined        in block {height}"));
        }
        if let Some(reason) = &transaction.reason {
            lines.push(format!("failed       {reason}"));
        }
        if let Some(trace) = &transaction.trace_id {
            lines.push(format!("trace        {}", where_to_look(mixnet, trace)));
        }
    }
    lines.join("\n")
}

fn where_to_look(mixnet: &Mixnet, trace: &str) -> String {
    match &mixnet.spec.tracing.jaeger {
        Some(jaeger) => format!("{}/trace/{trace}", jaeger.trim_end_matches('/')),
        None if mixnet.spec.tracing.otlp.is_some() => trace.to_owned(),
        None => format!(
            "{trace}, which nobody collects: Mixnet {} has no tracing.otlp",
            mixnet.name_any()
        ),
    }
}
