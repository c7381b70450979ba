//! What may stand in a document, and how it is found.

use mixbed_wire::SphinxPublic;

use super::{HOUR, document, node, start};
use crate::document::{
    Descriptor, DescriptorError, Document, ImpairmentRule, Malformed, MissingPart, Parameters,
    Role, SphinxKey,
};

fn refused(change: impl FnOnce(&mut Document)) -> Malformed {
    let mut document = document();
    change(&mut document);
    document.to_bytes().unwrap_err()
}

fn refused_node(change: impl FnOnce(&mut Descriptor)) -> DescriptorError {
    match refused(|document| change(&mut document.nodes[0])) {
        Malformed::Node(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_out_of_bounds_is_not_signed() {
    assert_eq!(document().validate(), Ok(()));
    assert_eq!(refused(|d| d.network = "Test".to_owned()), Malformed::Network);
    assert_eq!(refused(|d| d.epoch = 0), Malformed::Numbers);
    assert_eq!(refused(|d| d.revision = 0), Malformed::Numbers);
    assert_eq!(refused(|d| d.epoch_end = start()), Malformed::Times);
    assert_eq!(refused(|d| d.valid_until = start() + HOUR), Malformed::Times);
    let fraction = std::time::Duration::from_micros(1);
    assert_eq!(refused(|d| d.valid_from += fraction), Malformed::Times);
    let long = Parameters { epoch_length: 48 * HOUR, ..Parameters::default() };
    assert!(matches!(refused(|d| d.parameters = long), Malformed::Parameters(_)));
}

#[test]
fn nodes_are_sorted_and_unique() {
    assert_eq!(refused(|d| d.nodes.reverse()), Malformed::Order);
    assert_eq!(refused(|d| d.nodes.insert(0, d.nodes[0].clone())), Malformed::Order);
    assert_eq!(refused(|d| d.nodes[0].name = d.nodes[1].name.clone()), Malformed::Twice);
    assert_eq!(refused(|d| d.nodes[0].link_key = d.nodes[1].link_key), Malformed::Twice);
    let many = refused(|d| d.nodes = vec![node(1, Role::Gateway); 1001]);
    assert_eq!(many, Malformed::TooManyNodes { nodes: 1001 });
}

#[test]
fn descriptors_are_within_their_bounds() {
    let bad_name = refused_node(|n| n.name = "a b".to_owned());
    assert_eq!(bad_name, DescriptorError::Name("a b".to_owned()));
    assert_eq!(refused_node(|n| n.role = Role::Mix { layer: 4 }), DescriptorError::Role);
    assert_eq!(refused_node(|n| n.role = Role::Mix { layer: 0 }), DescriptorError::Role);
    let bad_address = refused_node(|n| n.address = "nowhere".to_owned());
    assert_eq!(bad_address, DescriptorError::Address("nowhere".to_owned()));
    assert_eq!(refused_node(|n| n.sphinx_keys.clear()), DescriptorError::SphinxKeys);
    let twice = |n: &mut Descriptor| n.sphinx_keys.push(n.sphinx_keys[0]);
    assert_eq!(refused_node(twice), DescriptorError::SphinxKeys);
    let five = |n: &mut Descriptor| {
        let key = SphinxPublic::from_bytes([1; 32]);
        n.sphinx_keys = (1..=5).map(|epoch| SphinxKey { epoch, key }).collect();
    };
    assert_eq!(refused_node(five), DescriptorError::SphinxKeys);
    let long = refused_node(|n| n.version = "v".repeat(64));
    assert_eq!(long, DescriptorError::Version);
}

#[test]
fn only_providers_and_gateways_have_services() {
    let services = |role, services: &[&str]| {
        let services = services.iter().map(|&service| service.to_owned()).collect();
        Descriptor { services, ..node(1, role) }.validate()
    };
    assert_eq!(services(Role::Provider, &["echo", "monero.submit"]), Ok(()));
    assert_eq!(services(Role::Gateway, &["mailbox"]), Ok(()));
    let mix = Role::Mix { layer: 1 };
    assert_eq!(services(mix, &["echo"]), Err(DescriptorError::Services));
    assert_eq!(services(Role::Provider, &["a"; 17]), Err(DescriptorError::Services));
    let twice = DescriptorError::Service("echo".to_owned());
    assert_eq!(services(Role::Provider, &["echo", "echo"]), Err(twice));
}

#[test]
fn a_packet_key_serves_until_the_next_one() {
    let key =
        |epoch: u8| SphinxKey { epoch: epoch.into(), key: SphinxPublic::from_bytes([epoch; 32]) };
    let node = Descriptor { sphinx_keys: vec![key(3), key(4), key(9)], ..node(1, Role::Gateway) };
    let serving = |epoch| node.sphinx_key(epoch).map(|key| key.as_bytes()[0]);
    assert_eq!(
        [2, 3, 4, 8, 9, 99].map(serving),
        [None, Some(3), Some(4), Some(4), Some(9), Some(9)]
    );
}

#[test]
fn nodes_are_found() {
    let document = document();
    for node in &document.nodes {
        assert_eq!(document.node(&node.id()), Some(node));
        assert_eq!(document.by_name(&node.name), Some(node));
        assert_eq!(document.by_link_key(&node.link_key), Some(node));
    }
    let stranger = node(50, Role::Gateway);
    assert_eq!(document.node(&stranger.id()), None);
    assert_eq!(document.by_name("stranger"), None);
    assert_eq!(document.by_link_key(&stranger.link_key), None);
    assert_eq!(document.gateways().count(), 1);
    assert_eq!(document.providers().count(), 1);
    assert_eq!([1, 2, 3, 4].map(|layer| document.mixes(layer).count()), [1, 1, 1, 0]);
}

#[test]
fn a_rule_that_means_nobody_is_found() {
    let nobody = |rule: &str| -> Vec<String> {
        let rule: ImpairmentRule = serde_json::from_str(rule).unwrap();
        rule.nobody(&document()).iter().map(ToString::to_string).collect()
    };
    let name = &document().nodes[0].name;
    assert!(nobody(&format!(r#"{{"from": "{name}", "to": "mix-2", "loss": "5%"}}"#)).is_empty());
    assert!(nobody(r#"{"from": "client", "to": "0123456789abcdef", "loss": "5%"}"#).is_empty());
    assert_eq!(nobody(r#"{"node": "mix-1-7", "only_from": "gatway"}"#), ["mix-1-7", "gatway"]);
}

#[test]
fn missing_parts_are_named() {
    assert_eq!(document().is_complete(), Ok(()));
    let mut less = document();
    less.nodes.retain(|node| !matches!(node.role, Role::Provider | Role::Mix { layer: 2 }));
    let missing = vec![MissingPart::Mix { layer: 2 }, MissingPart::Provider];
    assert_eq!(less.is_complete(), Err(missing));
}
