//! Whom a process talks to, as the kernel has it: its sockets, looked at all the time.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::world::SOON;

/// How often it is looked. Whoever is asked anything over a connection, and each name server that
/// does not answer at once, is seen several times.
const EVERY: Duration = Duration::from_millis(5);

/// The kernel's tables of sockets that reach beyond the machine.
const TABLES: [&str; 6] = ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"];

/// `TCP_LISTEN` in the kernel's tables.
const LISTENS: &str = "0A";

/// A socket of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Socket {
    /// The table that has it.
    pub(crate) table: &'static str,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) listens: bool,
}

/// Looks at a process's sockets until it is asked what it has seen.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Seen>>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) looks: usize,
    pub(crate) sockets: BTreeSet<Socket>,
}

impl Watch {
    pub(crate) fn of(pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut seen = Seen::default();
            while !stopped.load(Ordering::Relaxed) {
                seen.sockets.extend(sockets_of(pid));
                seen.looks += 1;
                thread::sleep(EVERY);
            }
            seen
        });
        Self { stop, thread: Some(thread) }
    }

    pub(crate) fn end(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it ends once");
        thread.join().expect("it does not panic")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Seen {
    /// Where it connected to: not where it was connected to at one of its own ports.
    pub(crate) fn contacts(&self) -> BTreeSet<SocketAddr> {
        let listening = self.sockets.iter().filter(|socket| socket.listens);
        let own: BTreeSet<u16> = listening.map(|socket| socket.local.port()).collect();
        let outward = self.sockets.iter().filter(|socket| {
            !socket.listens && socket.remote.port() != 0 && !own.contains(&socket.local.port())
        });
        outward.map(|socket| socket.remote).collect()
    }

    /// Asserts that it contacted nobody but these, and nobody by UDP, which name servers are asked
    /// by.
    pub(crate) fn assert_within(&self, allowed: &[SocketAddr]) {
        let other: Vec<_> =
            self.sockets.iter().filter(|socket| !socket.table.starts_with("tcp")).collect();
        assert!(other.is_empty(), "no UDP, no raw sockets: {other:?}");
        let allowed = allowed.iter().copied().collect();
        let strange: Vec<_> = self.contacts().difference(&allowed).copied().collect();
        assert!(strange.is_empty(), "only {allowed:?}, not {strange:?}");
        assert!(self.looks > 100, "it was looked at all the time: {}", self.looks);
    }

    /// Asserts that it contacted all of these, and nobody else.
    pub(crate) fn assert_only(&self, wanted: &[SocketAddr]) {
        self.assert_within(wanted);
        let contacts = self.contacts();
        assert!(wanted.iter().all(|wanted| contacts.contains(wanted)), "{wanted:?}: {contacts:?}");
    }
}

/// Waits until the process is connected to this address.
pub(crate) async fn connected(pid: u32, to: SocketAddr) {
    let connected = async {
        while !sockets_of(pid).iter().any(|socket| socket.remote == to) {
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::time::timeout(SOON, connected).await.expect("it connects");
}

/// The sockets that a process has open.
fn sockets_of(pid: u32) -> Vec<Socket> {
    let inodes = inodes_of(pid);
    let tables = TABLES.into_iter().flat_map(|table| {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        let rows: Vec<_> = text.lines().skip(1).filter_map(|row| read(table, row)).collect();
        rows
    });
    let known: HashMap<u64, Socket> = tables.collect();
    inodes.iter().filter_map(|inode| known.get(inode).copied()).collect()
}

fn inodes_of(pid: u32) -> Vec<u64> {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let inode = |file: std::io::Result<fs::DirEntry>| {
        let target = fs::read_link(file.ok()?.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    files.filter_map(inode).collect()
}

/// A row: `sl local remote state … uid timeout inode`.
fn read(table: &'static str, row: &str) -> Option<(u64, Socket)> {
    let mut words = row.split_whitespace().skip(1);
    let (local, remote) = (address(words.next()?)?, address(words.next()?)?);
    let listens = words.next()? == LISTENS && table.starts_with("tcp");
    let inode = words.nth(5)?.parse().ok()?;
    Some((inode, Socket { table, local, remote, listens }))
}

/// `0100007F:1F90`: an address as the kernel keeps it, four bytes at a time in the machine's order,
/// and a port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for at in (0..ip.len()).step_by(8) {
        let word = u32::from_str_radix(ip.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip: IpAddr = match bytes.len() {
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into(),
        16 => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[test]
fn the_sockets_of_this_process_are_seen() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let listening = listener.local_addr().expect("an address");
    let udp =
        std::net::UdpSocket::bind("[::1]:0").or_else(|_| std::net::UdpSocket::bind("127.0.0.1:0"));
    let udp = udp.and_then(|socket| socket.local_addr().map(|at| (socket, at))).expect("a port");
    let connected = std::net::TcpStream::connect(listening).expect("it listens");
    let from = connected.local_addr().expect("an address");
    let seen = sockets_of(std::process::id());
    let has = |wanted: &dyn Fn(&Socket) -> bool| seen.iter().any(wanted);
    assert!(has(&|socket| socket.listens && socket.local == listening), "{seen:?}");
    assert!(has(&|socket| socket.local == from && socket.remote == listening), "{seen:?}");
    assert!(has(&|socket| socket.local == udp.1 && socket.table.starts_with("udp")), "{seen:?}");
}
