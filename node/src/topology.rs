//! Who may pass packets to whom: gateway → mix 1 → mix 2 → mix 3 → provider or gateway, and
//! provider → mix 1 for replies.
#![deny(clippy::disallowed_methods)]

use mixbed_directory::{Descriptor, Document, Role};

/// Whether a node of role `from` passes packets on to one of role `to`.
///
/// A route that leaves this order is not mixed as its sender was promised, so nodes do not go
/// along with it.
#[must_use]
pub fn passes_on(from: Role, to: Role) -> bool {
    match (from, to) {
        (Role::Gateway | Role::Provider, Role::Mix { layer }) => layer == 1,
        (Role::Mix { layer }, Role::Mix { layer: next }) => layer + 1 == next,
        (Role::Mix { layer }, Role::Provider | Role::Gateway) => {
            layer == mixbed_directory::limits::LAYERS
        }
        _ => false,
    }
}

/// The nodes to which a node of role `from` passes packets on.
pub(crate) fn next_hops(from: Role, document: &Document) -> impl Iterator<Item = &Descriptor> {
    document.nodes.iter().filter(move |node| passes_on(from, node.role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hop_of_a_route_there_and_back_is_allowed_and_no_shortcut() {
        let mix = |layer| Role::Mix { layer };
        let there = [Role::Gateway, mix(1), mix(2), mix(3), Role::Provider];
        let back = [Role::Provider, mix(1), mix(2), mix(3), Role::Gateway];
        for route in [there, back] {
            for pair in route.windows(2) {
                assert!(passes_on(pair[0], pair[1]), "{pair:?}");
            }
        }
        for (from, to) in [
            (Role::Gateway, Role::Provider),
            (Role::Gateway, mix(2)),
            (mix(1), mix(3)),
            (mix(2), mix(1)),
            (mix(1), Role::Provider),
            (Role::Provider, Role::Gateway),
            (Role::Gateway, Role::Gateway),
        ] {
            assert!(!passes_on(from, to), "{from} to {to}");
        }
    }
}
