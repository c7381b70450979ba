//! The end of every test: the whole net is added up.

use std::time::Duration;

use mixbed_client::Client;
use mixbed_localnet::{LocalNet, NetBooks};

use crate::world::SOON;

/// Whether links broke in the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// None did: no packet may vanish between two nodes.
    Whole,
    /// What was in their sockets is lost, and nothing else.
    Broken,
}

/// Waits until the net is at rest and adds up: each packet that anybody made was delivered or
/// dropped with a reason, and none is held. `clients` are all that there were.
pub(crate) async fn audited(net: &LocalNet, clients: &[&Client], links: Links) -> NetBooks {
    settled(|| net.books(), clients, links).await
}

/// The same for a net with further nodes, whose books `books` adds.
pub(crate) async fn settled(
    books: impl Fn() -> NetBooks,
    clients: &[&Client],
    links: Links,
) -> NetBooks {
    let audit = |books: &NetBooks| {
        let readings: Vec<_> = clients.iter().map(|client| client.readings()).collect();
        books.audit(&readings)
    };
    let closed = async {
        loop {
            let books = books();
            let lost = audit(&books).lost_with_links;
            if books.at_rest() && (lost == 0 || links == Links::Broken && lost > 0) {
                return books;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let books_now = tokio::time::timeout(SOON, closed).await;
    books_now.unwrap_or_else(|_| panic!("{links:?}: {:#?}\n{:#?}", audit(&books()), books()))
}
