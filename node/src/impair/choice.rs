//! Which of the document's rules hold for a link.
#![deny(clippy::disallowed_methods)]

use mixbed_directory::document::impairment::{LinkEnd, lets_in, link_impairments};
use mixbed_directory::{Document, Role};
use mixbed_wire::{Impairment, LinkPublic, NodeId};

/// This node, as rules see it.
#[derive(Clone, Debug)]
pub(crate) struct OwnEnd {
    pub(crate) id: NodeId,
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// Who is at the other end of a link.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Far {
    /// The node with this link key.
    Node(LinkPublic),
    /// A client.
    Client(NodeId),
}

/// Which way packets go on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Away from here.
    Out,
    /// To here.
    In,
}

/// What is asked of one link.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    /// How this node impairs it.
    pub(crate) impairments: Vec<Impairment>,
    /// Whether anything is let in from it at all.
    pub(crate) lets_in: bool,
}

impl Choice {
    /// That of a link without impairments.
    pub(crate) const CLEAR: Self = Self { impairments: Vec::new(), lets_in: true };

    /// What the document asks of the link between `own` and `far`. A node that is not in it is
    /// meant by no rule.
    pub(crate) fn of(document: &Document, own: &OwnEnd, far: Far, way: Way) -> Self {
        let rules = &document.parameters.impairments;
        let own = LinkEnd::Node { id: own.id, name: &own.name, role: own.role };
        let far_end = match far {
            _ if rules.is_empty() => None,
            Far::Node(key) => document.by_link_key(&key).map(LinkEnd::from),
            Far::Client(id) => Some(LinkEnd::Client(id)),
        };
        match (far_end, far, way) {
            (None, ..) => Self::CLEAR,
            (Some(far), _, Way::Out) => {
                Self { impairments: link_impairments(rules, own, far), lets_in: true }
            }
            // What a node sends it has impaired itself.
            (Some(far), Far::Node(_), Way::In) => {
                Self { impairments: Vec::new(), lets_in: lets_in(rules, own, far) }
            }
            (Some(far), Far::Client(_), Way::In) => Self {
                impairments: link_impairments(rules, far, own),
                lets_in: lets_in(rules, own, far),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use mixbed_directory::document::impairment::Selector;
    use mixbed_directory::{Descriptor, IdentitySecret, ImpairmentRule, Parameters};

    use super::*;

    fn key(seed: u8) -> LinkPublic {
        LinkPublic::from_bytes([seed; 32])
    }

    fn node(seed: u8, name: &str, role: Role) -> Descriptor {
        Descriptor {
            name: name.to_owned(),
            identity: IdentitySecret::from_bytes([seed; 32]).public(),
            role,
            link_key: key(seed),
            address: "127.0.0.1:1".to_owned(),
            sphinx_keys: Vec::new(),
            services: Vec::new(),
            version: String::new(),
        }
    }

    fn document(impairments: Vec<ImpairmentRule>) -> Document {
        let now = SystemTime::UNIX_EPOCH;
        Document {
            network: "test".to_owned(),
            epoch: 1,
            revision: 1,
            valid_from: now,
            epoch_end: now + Duration::from_secs(1),
            valid_until: now + Duration::from_secs(2),
            parameters: Parameters { impairments, ..Parameters::default() },
            nodes: vec![
                node(1, "gateway-0", Role::Gateway),
                node(2, "mix-1-0", Role::Mix { layer: 1 }),
                node(3, "mix-1-1", Role::Mix { layer: 1 }),
            ],
        }
    }

    fn own(seed: u8, name: &str, role: Role) -> OwnEnd {
        OwnEnd { id: node(seed, name, role).id(), name: name.to_owned(), role }
    }

    const LOSSY: Impairment = Impairment { loss: 0.5, ..Impairment::NONE };
    const CLIENT: Far = Far::Client(NodeId::from_bytes([9; 8]));

    #[test]
    fn each_link_is_impaired_at_one_end_only() {
        let document = document(vec![ImpairmentRule::everywhere(LOSSY)]);
        let gateway = own(1, "gateway-0", Role::Gateway);
        let mix = own(2, "mix-1-0", Role::Mix { layer: 1 });
        let of = |own, far, way| Choice::of(&document, own, far, way);
        let lossy = Choice { impairments: vec![LOSSY], lets_in: true };
        assert_eq!(of(&gateway, Far::Node(key(2)), Way::Out), lossy);
        assert_eq!(of(&mix, Far::Node(key(1)), Way::In), Choice::CLEAR);
        assert_eq!(of(&gateway, CLIENT, Way::Out), lossy);
        assert_eq!(of(&gateway, CLIENT, Way::In), lossy);
        assert_eq!(of(&gateway, Far::Node(key(77)), Way::Out), Choice::CLEAR, "a stranger");
    }

    #[test]
    fn a_rule_holds_for_its_link_and_direction_only() {
        let mix_0 = Selector::Named("mix-1-0".to_owned());
        let document = document(vec![
            ImpairmentRule::between(Selector::Gateway, mix_0, LOSSY),
            ImpairmentRule::between(Selector::Client, Selector::Any, Impairment::PARTITION),
        ]);
        let gateway = own(1, "gateway-0", Role::Gateway);
        let impairments = |far, way| Choice::of(&document, &gateway, far, way).impairments;
        assert_eq!(impairments(Far::Node(key(2)), Way::Out), [LOSSY]);
        assert_eq!(impairments(Far::Node(key(3)), Way::Out), []);
        assert_eq!(impairments(CLIENT, Way::In), [Impairment::PARTITION]);
        assert_eq!(impairments(CLIENT, Way::Out), []);
    }

    #[test]
    fn a_dishonest_node_lets_in_what_it_was_told_to() {
        let named = |name: &str| Selector::Named(name.to_owned());
        let victim = NodeId::from_bytes([9; 8]).to_string();
        let document = document(vec![
            ImpairmentRule::only_from(named("gateway-0"), named(&victim)),
            ImpairmentRule::only_from(named("mix-1-0"), named("gateway-7")),
        ]);
        let gateway = own(1, "gateway-0", Role::Gateway);
        let lets_in = |own: &OwnEnd, far| Choice::of(&document, own, far, Way::In).lets_in;
        assert!(lets_in(&gateway, CLIENT));
        assert!(!lets_in(&gateway, Far::Client(NodeId::from_bytes([8; 8]))));
        assert!(!lets_in(&own(2, "mix-1-0", Role::Mix { layer: 1 }), Far::Node(key(1))));
        assert!(lets_in(&own(3, "mix-1-1", Role::Mix { layer: 1 }), Far::Node(key(1))));
    }
}
