//! probe [ADDRESS:PORT...]: prints, some times, a line with those of these that take a connection from here.
//! Without any it only holds a pod open. For tests of network policies, in pods that have no shell.

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

/// A connection that a policy drops is not refused: this is how long it may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// It is the first process of its container, which ignores what asks it to end: it ends by itself.
const ROUNDS: u32 = 40;

fn main() {
    let places: Vec<SocketAddr> = std::env::args()
        .skip(1)
        .map(|place| place.parse().unwrap_or_else(|_| panic!("no ADDRESS:PORT: {place}")))
        .collect();
    if places.is_empty() {
        loop {
            thread::park();
        }
    }
    for _ in 0..ROUNDS {
        let reached = thread::scope(|scope| {
            let tries = |place| scope.spawn(move || TcpStream::connect_timeout(place, PATIENCE));
            let tries: Vec<_> = places.iter().map(|place| (place, tries(place))).collect();
            let reached = tries.into_iter().filter_map(|(place, connection)| {
                matches!(connection.join(), Ok(Ok(_))).then(|| place.to_string())
            });
            reached.collect::<Vec<_>>().join(" ")
        });
        println!("reached: {reached}");
        thread::sleep(Duration::from_secs(1));
    }
}
