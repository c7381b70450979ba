//! Three directories of one network over real sockets.

#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use common::{SOON, admin, gateway, identity, join_secret, small_network, standing_of, state_of};
use mixbed_directory::authority::PeerDirectory;
use mixbed_directory::{
    Admission, Authority, AuthorityConfig, ChangeError, Descriptor, Directories, Document,
    Follower, FollowerConfig, FollowerState, ListedNode, NodeList, Parameters, Registrar,
    RegistrarConfig, RegistrarState, Trust,
};
use tokio::net::TcpListener;

const SEEDS: [u8; 3] = [201, 202, 203];

/// Three directories, each with its own state.
struct Three {
    configs: Vec<AuthorityConfig>,
    running: Vec<Option<Authority>>,
    _states: Vec<tempfile::TempDir>,
}

impl Three {
    async fn start(epoch_length: Duration) -> Self {
        let mut listeners = Vec::new();
        for _ in SEEDS {
            listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        let addresses: Vec<_> = listeners.iter().map(|it| it.local_addr().unwrap()).collect();
        let states: Vec<_> = SEEDS.iter().map(|_| tempfile::tempdir().unwrap()).collect();
        let peer = |at: usize| PeerDirectory {
            key: identity(SEEDS[at]).public(),
            url: format!("mixbed://{}", addresses[at]),
        };
        let configs: Vec<_> = (0..3)
            .map(|at| AuthorityConfig {
                listen: addresses[at],
                state_dir: Some(states[at].path().to_owned()),
                signing_key: Some(identity(SEEDS[at])),
                parameters: Parameters { epoch_length, ..Parameters::default() },
                peers: (0..3).filter(|other| *other != at).map(peer).collect(),
                ..common::config()
            })
            .collect();
        let mut running = Vec::new();
        for (listener, config) in listeners.into_iter().zip(&configs) {
            running.push(Some(Authority::start_on(listener, config.clone()).await.unwrap()));
        }
        Self { configs, running, _states: states }
    }

    fn urls(&self) -> String {
        let urls = self.configs.iter().map(|config| format!("mixbed://{}", config.listen));
        urls.collect::<Vec<_>>().join(",")
    }

    fn url(&self, at: usize) -> String {
        format!("mixbed://{}", self.configs[at].listen)
    }

    fn registrar(&self, seed: u8, node: Descriptor) -> Registrar {
        let config =
            RegistrarConfig { trust: majority(), ..common::registrar_config(&self.urls(), seed) };
        Registrar::start(config, node).unwrap()
    }

    async fn kill(&mut self, at: usize) {
        self.running[at].take().unwrap().shutdown().await;
    }

    async fn revive(&mut self, at: usize) {
        let started = Authority::start(self.configs[at].clone()).await.unwrap();
        self.running[at] = Some(started);
    }
}

/// Two of the three have to sign.
fn majority() -> Trust {
    Trust::majority(common::NETWORK, SEEDS.map(|seed| identity(seed).public()).to_vec())
}

fn follower_at(urls: String) -> Follower {
    Follower::start(FollowerConfig::new(urls, majority())).unwrap()
}

fn has(document: &Document, name: &str) -> bool {
    document.by_name(name).is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_directories_make_one_document_and_one_that_is_killed_changes_nothing() {
    let mut three = Three::start(Duration::from_secs(600)).await;
    let nodes = small_network();
    let registrars: Vec<_> =
        nodes.into_iter().map(|(seed, node)| three.registrar(seed, node)).collect();
    let follower = follower_at(three.urls());
    let document = follower.wait_ready(SOON).await.unwrap();
    assert_eq!((document.epoch, document.nodes.len()), (1, 5));
    for at in 0..3 {
        let one = follower_at(three.url(at));
        let same = one.wait_for(SOON, |other| other.version() >= document.version()).await.unwrap();
        assert_eq!(same.nodes, document.nodes);
        let signed = three.running[at].as_ref().unwrap().signed_document().unwrap();
        assert!(signed.signatures.len() >= 2, "a majority signed it");
    }

    three.kill(0).await;
    let late = three.registrar(30, gateway(30));
    standing_of(&late, |state| matches!(state, RegistrarState::Registered { .. })).await;
    follower.wait_for(SOON, |document| has(document, "gateway-30")).await.unwrap();

    // It comes back with what it had written down, hears what it has missed, and helps again.
    three.revive(0).await;
    let back = follower_at(three.url(0));
    back.wait_for(SOON, |document| has(document, "gateway-30")).await.unwrap();
    three.kill(1).await;
    late.unregister().await.unwrap();
    follower.wait_for(SOON, |document| !has(document, "gateway-30")).await.unwrap();
    assert_eq!(follower.last().unwrap().nodes.len(), 5, "and nobody else fell out");
    drop(registrars);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_away_the_last_document_serves_and_epochs_go_on_when_one_is_back() {
    let mut three = Three::start(Duration::from_secs(2)).await;
    let nodes = small_network();
    let _registrars: Vec<_> =
        nodes.into_iter().map(|(seed, node)| three.registrar(seed, node)).collect();
    let follower = follower_at(three.urls());
    follower.wait_ready(SOON).await.unwrap();
    follower.wait_for(SOON, |document| document.epoch >= 2).await.unwrap();
    three.kill(1).await;
    three.kill(2).await;
    let last = follower.current().unwrap();
    let away = follower_at(three.url(0));
    let served = away.wait_for(SOON, |_| true).await.unwrap();
    assert!(served.version() >= last.version());
    three.revive(2).await;
    let on = follower.wait_for(SOON, |document| document.epoch > served.epoch).await.unwrap();
    assert_eq!(on.nodes.len(), 5);
    state_of(&follower, FollowerState::is_following).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_goes_to_all_and_holds_with_a_majority() {
    let mut three = Three::start(Duration::from_secs(600)).await;
    let follower = follower_at(three.urls());
    follower.wait_for(SOON, |_| true).await.unwrap();
    let directories = Directories::new(&three.urls(), &majority()).unwrap();
    let trace = |parameters: &mut Parameters| parameters.tracing_allowed = true;
    let changed = directories.change_parameters(&majority(), &admin(), trace).await.unwrap();
    assert!(changed.parameters.tracing_allowed);
    three.kill(2).await;
    let slow = |parameters: &mut Parameters| parameters.mean_hop_delay *= 2;
    let changed = directories.change_parameters(&majority(), &admin(), slow).await.unwrap();
    follower.wait_for(SOON, |document| document.version() >= changed.version()).await.unwrap();
    // Who was away learns of it, and does not undo it with the next one.
    three.revive(2).await;
    three.kill(0).await;
    let fast = |parameters: &mut Parameters| parameters.rates.drop = 1.0;
    let changed = directories.change_parameters(&majority(), &admin(), fast).await.unwrap();
    let wanted = Parameters::default().mean_hop_delay * 2;
    assert_eq!((changed.parameters.mean_hop_delay, changed.parameters.rates.drop), (wanted, 1.0));
    three.kill(1).await;
    let refused = directories.change_parameters(&majority(), &admin(), trace).await;
    assert!(refused.is_ok(), "it changes nothing, so nobody is asked");
    let back = |parameters: &mut Parameters| parameters.tracing_allowed = false;
    let refused = directories.change_parameters(&majority(), &admin(), back).await;
    assert!(matches!(refused, Err(ChangeError::Client(_))), "{refused:?}");
}

/// Each directory has a list of its own, and most of them decide: one that missed a change of the
/// list lets nobody in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn most_directories_decide_who_is_a_node() {
    let mut three = Three::start(Duration::from_secs(600)).await;
    let nodes = small_network();
    let listed = nodes.iter().map(|(seed, node)| ListedNode {
        name: node.name.clone(),
        identity: identity(*seed).public(),
        role: node.role,
    });
    let listed = Admission::Listed(NodeList::new(listed).unwrap());
    let _registrars: Vec<_> =
        nodes.into_iter().map(|(seed, node)| three.registrar(seed, node)).collect();
    let follower = follower_at(three.urls());
    follower.wait_ready(SOON).await.unwrap();
    let (trust, admin) = (majority(), admin());
    let directories = Directories::new(&three.urls(), &trust).unwrap();
    assert_eq!(directories.admission().await.unwrap(), Admission::Open);

    three.kill(2).await;
    assert!(directories.set_admission(&trust, &admin, &listed).await.unwrap());
    three.revive(2).await;
    assert_eq!(directories.admission().await.unwrap(), listed, "two of three say so");
    let stranger = three.registrar(30, gateway(30));
    // The third one takes the stranger, and is the only one.
    let third = three.running[2].as_ref().unwrap();
    let listed_there = async {
        while third.counters().listed.load(Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, listed_there).await.expect("the third one takes it");
    let refused = |state: &RegistrarState| format!("{state:?}").contains("not_listed");
    standing_of(&stranger, refused).await;
    let last = follower_at(three.url(2));
    let slow = |parameters: &mut Parameters| parameters.mean_hop_delay *= 2;
    let changed = directories.change_parameters(&trust, &admin, slow).await.unwrap();
    let document =
        last.wait_for(SOON, |document| document.version() >= changed.version()).await.unwrap();
    assert!(!has(&document, "gateway-30"), "one directory alone takes it");
    assert_eq!(document.nodes.len(), 5);

    assert!(directories.set_admission(&trust, &admin, &listed).await.unwrap(), "the third learns");
    assert!(!directories.set_admission(&trust, &admin, &listed).await.unwrap(), "all have it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_directorys_key_is_replaced_and_those_who_know_the_old_ones_or_the_new_ones_go_on() {
    let mut three = Three::start(Duration::from_secs(2)).await;
    let nodes = small_network();
    let _registrars: Vec<_> =
        nodes.into_iter().map(|(seed, node)| three.registrar(seed, node)).collect();
    let before = follower_at(three.urls());
    before.wait_ready(SOON).await.unwrap();
    for at in 0..3 {
        three.kill(at).await;
    }
    let replaced = identity(SEEDS[2]).public();
    let new = identity(204);
    for config in &mut three.configs {
        for peer in &mut config.peers {
            if peer.key == replaced {
                peer.key = new.public();
            }
        }
    }
    let empty = tempfile::tempdir().unwrap();
    let third = &mut three.configs[2];
    (third.signing_key, third.state_dir) = (Some(new.clone()), Some(empty.path().to_owned()));
    for at in 0..3 {
        three.revive(at).await;
    }
    let old = majority();
    let keys = old.keys.iter().map(|key| if *key == replaced { new.public() } else { *key });
    let trust = Trust { keys: keys.collect(), ..old };
    let epoch = before.last().unwrap().epoch;
    let after = Follower::start(FollowerConfig::new(three.url(2), trust)).unwrap();
    for follower in [before, after] {
        let document = follower.wait_for(SOON, |document| document.epoch > epoch + 1).await;
        assert_eq!(document.unwrap().nodes.len(), 5);
    }
}

/// Somebody has one directory's key and says what he likes: no follower that asks for two
/// signatures believes it, and goes on to the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_signs_alone_is_not_believed_and_another_is_asked() {
    let three = Three::start(Duration::from_secs(600)).await;
    let alone = AuthorityConfig {
        signing_key: Some(identity(SEEDS[0])),
        ..AuthorityConfig::new(common::NETWORK, join_secret())
    };
    let alone = Authority::start(alone).await.unwrap();
    let follower = follower_at(format!("{},{}", alone.url(), three.url(1)));
    let document = follower.wait_for(SOON, |_| true).await.unwrap();
    assert_ne!(Some(document), alone.document());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_directories_are_refused_and_so_is_one_that_is_there_twice() {
    let peer = |seed: u8| PeerDirectory {
        key: identity(seed).public(),
        url: "mixbed://127.0.0.1:1".to_owned(),
    };
    let cases = [
        (vec![peer(1)], false, "odd"),
        (vec![peer(1), peer(1)], false, "twice"),
        (vec![peer(1), peer(2)], true, "sign_with_former_key"),
    ];
    for (peers, sign_with_former_key, what) in cases {
        let config = AuthorityConfig {
            sign_with_former_key,
            signing_key: Some(identity(9)),
            peers,
            ..AuthorityConfig::new(common::NETWORK, join_secret())
        };
        let error = Authority::start(config).await.unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}
