//! Whom a Mixnet's directory takes for its nodes.

#![deny(clippy::disallowed_methods)]

use mixbed_directory::{ListedNode, NodeList, NodeListError, Role};

use super::{NetworkSecrets, NodeKind, ValidMixnet};

impl NodeKind {
    /// What the directory lists it as.
    fn listed_as(self) -> Role {
        match self {
            Self::Gateway => Role::Gateway,
            Self::Mix(layer) => Role::Mix { layer },
            Self::Provider => Role::Provider,
        }
    }
}

/// The nodes of the spec: each name belongs to the identity whose keys only the pod of that name has.
/// A pod that is on its way out stays until it is gone, as it says itself that it leaves.
pub(super) fn admitted(
    mixnet: &ValidMixnet,
    secrets: &NetworkSecrets,
    is_there: impl Fn(&str) -> bool,
) -> Result<NodeList, NodeListError> {
    let sets = mixnet.sets();
    let pods = sets.iter().flat_map(|set| {
        let wanted: Vec<_> = set.pod_names().collect();
        let (role, is_there) = (set.kind.listed_as(), &is_there);
        secrets.pods(set).filter_map(move |(name, identity)| {
            let name = name.to_owned();
            (wanted.contains(&name) || is_there(&name)).then_some(ListedNode {
                name,
                identity,
                role,
            })
        })
    });
    NodeList::new(pods.chain(mixnet.outside.iter().cloned()))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;
    use crate::api::{Mixnet, OutsideNode};
    use crate::installation::Installation;
    use crate::mixnet::{Defaults, build, validate};

    fn mixnet(per_layer: i32) -> ValidMixnet {
        let mut mixnet = Mixnet::new("net", crate::api::MixnetSpec::default());
        mixnet.metadata.namespace = Some("space".to_owned());
        mixnet.metadata.uid = Some("1-2-3".to_owned());
        mixnet.spec.mixes.per_layer = per_layer;
        mixnet.spec.directory.nodes = vec![OutsideNode {
            name: "outside-0".to_owned(),
            identity: "5866666666666666666666666666666666666666666666666666666666666666".to_owned(),
            role: "gateway".to_owned(),
            layer: None,
        }];
        let installation = Installation {
            mixbed: "x:1".to_owned(),
            monero: "y:1".to_owned(),
            ..Installation::default()
        };
        let defaults = Defaults { installation, ..Defaults::default() };
        validate(&mixnet, &defaults).expect("a valid spec")
    }

    fn names(list: &NodeList) -> Vec<String> {
        let mut names: Vec<_> = list.iter().map(|node| node.name.clone()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_is_its_pods_and_stays_until_the_pod_is_gone() {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        let large = mixnet(2);
        let secrets = NetworkSecrets::complete(&large, [], rng).expect("drawn");
        let all = admitted(&large, &secrets, |_| false).expect("a list");
        assert_eq!(all.iter().count(), 2 + 3 * 2 + 2 + 1);
        let mix = all.iter().find(|node| node.name == "net-mix-3-1").expect("listed");
        assert_eq!(mix.role, Role::Mix { layer: 3 });
        assert!(names(&all).contains(&"outside-0".to_owned()));

        let stored: Vec<_> = build::build(&large, &secrets)
            .into_iter()
            .filter(|child| child.kind() == "Secret")
            .map(|child| child.object.try_parse().expect("a Secret"))
            .collect();
        let small = mixnet(1);
        let secrets = NetworkSecrets::complete(&small, &stored, rng).expect("all there");
        let leaving = admitted(&small, &secrets, |pod| pod == "net-mix-1-1").expect("a list");
        assert_eq!(leaving.iter().count(), 2 + 3 + 2 + 1 + 1);
        let same = leaving.iter().find(|node| node.name == mix.name.replace('3', "1"));
        assert!(same.is_some_and(|node| all.get(&node.identity) == Some(node)));
        let gone = admitted(&small, &secrets, |_| false).expect("a list");
        assert!(!names(&gone).contains(&"net-mix-1-1".to_owned()));
    }
}
