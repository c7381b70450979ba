//! The 32 bytes that Sphinx carries for each hop, and what mixbed reads in them.

use crate::{NodeId, sphinx};

/// Where a packet's spans hang: a W3C trace id and the id of the packet's span.
///
/// It travels encrypted for each hop, in the bytes that Sphinx keeps for an address, so a traced
/// packet looks like any other from outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TraceContext {
    /// The trace, 16 bytes.
    pub trace_id: [u8; 16],
    /// The packet's span, 8 bytes: the parent of each hop's.
    pub span_id: [u8; 8],
}

/// A hop's address in routing information: 8 bytes node id, 16 bytes trace id, 8 bytes span id.
///
/// A node learns its *successor's* address from its own layer; the trace in it is the one that the
/// node itself reports to. The last hop finds the same in the destination field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct HopAddress {
    /// The hop.
    pub node: NodeId,
    /// The trace, if the sender asked for one.
    pub trace: Option<TraceContext>,
}

impl HopAddress {
    /// Length in bytes: Sphinx's own.
    pub const LENGTH: usize = sphinx::ADDRESS;

    /// As it stands in the header. An untraced hop has 24 zero bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.node.to_bytes());
        if let Some(trace) = self.trace {
            bytes[8..24].copy_from_slice(&trace.trace_id);
            bytes[24..].copy_from_slice(&trace.span_id);
        }
        bytes
    }

    /// Reads any 32 bytes: a zero trace id or span id (both invalid in W3C's format) is no trace.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        let mut node = [0; 8];
        let mut trace_id = [0; 16];
        let mut span_id = [0; 8];
        node.copy_from_slice(&bytes[..8]);
        trace_id.copy_from_slice(&bytes[8..24]);
        span_id.copy_from_slice(&bytes[24..]);
        let traced = trace_id != [0; 16] && span_id != [0; 8];
        Self {
            node: NodeId::from_bytes(node),
            trace: traced.then_some(TraceContext { trace_id, span_id }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_read_and_write_alike(bytes: [u8; 32]) {
            let address = HopAddress::from_bytes(bytes);
            prop_assert_eq!(HopAddress::from_bytes(address.to_bytes()), address);
        }
    }

    #[test]
    fn no_trace_is_zeros() {
        let address = HopAddress { node: NodeId::from_bytes([9; 8]), trace: None };
        assert_eq!(address.to_bytes()[8..], [0; 24]);
        assert_eq!(HopAddress::from_bytes(address.to_bytes()), address);
    }
}
