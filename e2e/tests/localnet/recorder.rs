//! An observer: a TCP proxy that writes down sizes and times of what passes, both ways.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use mixbed_wire::FRAME_SIZE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What passed in one direction: when, and how many bytes.
pub(crate) type Passed = Arc<Mutex<Vec<(Instant, usize)>>>;

/// One connection, as seen from outside.
#[derive(Clone, Default)]
pub(crate) struct Line {
    pub(crate) up: Passed,
    pub(crate) down: Passed,
}

/// The proxy. It knows no keys.
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Recorder {
    /// Passes on to `target` whatever comes.
    pub(crate) fn start(socket: TcpListener, target: SocketAddr) -> Self {
        let address = socket.local_addr().expect("bound");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        tokio::spawn(async move {
            while let Ok((near, _)) = socket.accept().await {
                let Ok(far) = TcpStream::connect(target).await else { continue };
                near.set_nodelay(true).expect("a socket");
                far.set_nodelay(true).expect("a socket");
                let line = Line::default();
                seen.lock().expect("whole").push(line.clone());
                let ((near_in, near_out), (far_in, far_out)) =
                    (near.into_split(), far.into_split());
                tokio::spawn(pass(near_in, far_out, line.up));
                tokio::spawn(pass(far_in, near_out, line.down));
            }
        });
        Self { address, lines }
    }

    /// The connections so far, in the order in which they came.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lines.lock().expect("whole").clone()
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, passed: Passed) {
    let mut buffer = vec![0; 16 * FRAME_SIZE];
    while let Ok(count) = from.read(&mut buffer).await {
        let now = Instant::now();
        passed.lock().expect("whole").push((now, count));
        if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// The times at which frames were complete, from `since` on. Panics if a piece is no whole number
/// of frames.
pub(crate) fn frames(passed: &Passed, since: Instant) -> Vec<Instant> {
    let passed = passed.lock().expect("whole");
    let mut times = Vec::new();
    for (at, bytes) in passed.iter() {
        assert_eq!(bytes % FRAME_SIZE, 0, "{bytes} bytes are no frames");
        times.extend(std::iter::repeat_n(*at, bytes / FRAME_SIZE));
    }
    times.retain(|at| *at >= since);
    times
}
