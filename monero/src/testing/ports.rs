//! Ports for programs that have to know each other's before they run.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what systems draw a port from when a program asks for any: so no other test is given one of
/// these between the look at it and the program's start.
const FROM: u16 = 20_000;
const COUNT: u16 = 10_000;

/// So many ports of 127.0.0.1, of which each is given once in this process.
///
/// # Panics
/// If all are taken.
#[must_use]
pub fn free_ports<const N: usize>() -> [u16; N] {
    // Another process begins elsewhere.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
    let mut candidates = std::iter::repeat_with(|| {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        FROM + (begin + next % COUNT) % COUNT
    })
    .take(COUNT.into())
    .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    std::array::from_fn(|_| candidates.next().expect("a port that nothing listens on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_given_once() {
        let mut ports = [free_ports::<50>(), free_ports::<50>()].concat();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 100);
        assert!(ports.iter().all(|port| (FROM..FROM + COUNT).contains(port)));
    }
}
