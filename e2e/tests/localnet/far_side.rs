//! A provider, watched from outside, both ways, while one client asks and while it idles.

use std::time::{Duration, Instant};

use mixbed_directory::{Document, Parameters, Rates, Role};
use mixbed_localnet::Shape;
use tokio::task::JoinHandle;

use crate::alike::{Apart, float};
use crate::recorder::{Line, frames};
use crate::watched::{lines, watched_node};
use crate::world::{SOON, World};

/// How long the observer watches each time.
const WATCHED: Duration = Duration::from_secs(15);

/// The mean delay of a hop: much longer than what a busy machine adds.
const MEAN: Duration = Duration::from_millis(40);

/// What leaves so soon after something came is taken for its answer.
const AT_ONCE: Duration = Duration::from_millis(3);

fn talk(world: &World) -> JoinHandle<u32> {
    let client = world.client.clone();
    tokio::spawn(async move {
        let mut answered = 0;
        while client.request("echo", &vec![7; 1_800], SOON).await.is_ok() {
            answered += 1;
        }
        answered
    })
}

/// Which share of what left did so at once after something had come; with times that have nothing to
/// do with each other as well.
fn at_once(came: &[Instant], left: &[Instant]) -> (f64, f64) {
    let share = |shift: Duration| {
        let paired = left.iter().filter(|left| {
            let at = left.checked_sub(shift).expect("the clock began before");
            let first = came.partition_point(|came| *came + AT_ONCE < at);
            came.partition_point(|came| *came <= at) > first
        });
        float(paired.count()) / float(left.len())
    };
    let chance =
        (1..=20).map(|times| share(Duration::from_millis(170) * times)).sum::<f64>() / 20.0;
    (share(Duration::ZERO), chance)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_a_provider_does_not_tell_what_came() {
    let mut world = World::with(|config| {
        config.shape = Shape { gateways: 1, mixes_per_layer: 1, providers: 1 };
        let rates = Rates { payload: 20.0, client_loop: 4.0, downlink: 60.0, ..Rates::default() };
        config.parameters = Parameters { mean_hop_delay: MEAN, rates, ..Parameters::default() };
    })
    .await;
    // The only mix of layer 1, and the only provider: whatever the provider sends passes there.
    let (mix, at_mix) = watched_node(&world, "mix-1-watched", Role::Mix { layer: 1 }).await;
    lines(&at_mix, 2).await;
    let (provider, at_provider) = watched_node(&world, "provider-watched", Role::Provider).await;
    let out = lines(&at_mix, 3).await[2].clone();
    let into = lines(&at_provider, 1).await[0].clone();
    for name in ["mix-1-0", "provider-0"] {
        world.net.stop_node(name, Duration::from_secs(1)).await;
        let gone = |document: &Document| document.by_name(name).is_none();
        world.net.follower().wait_for(SOON, gone).await.expect("gone");
    }
    // What was sealed before has come or is lost.
    world.client.request("echo", b"it goes on", SOON).await.expect("answered");
    tokio::time::sleep(Duration::from_secs(3)).await;

    let watch = async || {
        let since = Instant::now();
        tokio::time::sleep(WATCHED).await;
        let of = |line: &Line| {
            let mut times = frames(&line.up, since);
            times.retain(|at| *at < since + WATCHED);
            times
        };
        (since, of(&into), of(&out))
    };
    let idle = watch().await;
    let talking = talk(&world);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let busy = watch().await;
    assert!(!talking.is_finished(), "it asks all the time");
    for (what, (_, came, left)) in [("idle", &idle), ("busy", &busy)] {
        let (share, chance) = at_once(came, left);
        println!(
            "{what}: {} came, {} left; {share:.2} at once, {chance:.2} by chance",
            came.len(),
            left.len()
        );
        assert!(left.len() > 200, "{what}: {}", left.len());
        assert!(
            came.len().abs_diff(left.len()) < 25,
            "{what}: {} came, {} left",
            came.len(),
            left.len()
        );
        // Those whose own delay is that short, and four deviations.
        let own = 1.0 - (-AT_ONCE.as_secs_f64() / MEAN.as_secs_f64()).exp();
        let most = 1.0 - (1.0 - chance) * (1.0 - own);
        let deviation = (most * (1.0 - most) / float(left.len())).sqrt();
        assert!(share < most + 4.0 * deviation, "{what}: {share} at once, {chance} by chance");
    }
    for (what, idle, busy) in [("into", &idle.1, &busy.1), ("out of", &idle.2, &busy.2)] {
        let apart = Apart::of_times(idle, busy);
        println!("{what} the provider: {apart}");
        assert!(!apart.told(), "{what} the provider: {apart}");
    }
    talking.abort();
    world.client.stop().await;
    provider.stop(Duration::from_secs(1)).await;
    mix.stop(Duration::from_secs(1)).await;
}
