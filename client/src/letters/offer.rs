//! Reply blocks for letters without a name.

use std::time::{Duration, Instant, SystemTime};

use mixbed_directory::Document;
use mixbed_wire::letter::{MAX_OFFERED, ReplyOffer};
use mixbed_wire::{HopAddress, MailboxPublic, REPLY_BLOCK_SIZE, ReplyBlock};
use tokio::sync::mpsc;

use super::MailboxError;
use super::ways::{Arrived, Waiting};
use crate::client::{Client, deadline_after};
use crate::core::{Back, Net, RouteError};

/// Mean delays of a hop that the last packet by a block has, to wait five times: at the gateway that
/// sends it on, and at four hops.
const MEAN_DELAYS: u32 = 14;

impl Client {
    /// Makes reply blocks to be enclosed in a letter, up to [`MAX_OFFERED`]; what comes by them is
    /// sent to `arrived`. They lead to this client's gateway of now, and work as long as the client
    /// has its link there and the packet keys of this epoch are good.
    pub(super) async fn offer_replies(
        &self,
        key: MailboxPublic,
        count: usize,
        arrived: &mpsc::Sender<Arrived>,
        limit: Duration,
    ) -> Result<ReplyOffer, MailboxError> {
        let end = deadline_after(Instant::now(), limit);
        self.wait_ready(limit).await?;
        let document = self.document(end.saturating_duration_since(Instant::now())).await?;
        let epoch = self.directory().epoch().unwrap_or(document.epoch);
        let ways = self.ways_back();
        let no_way = |error: &dyn std::fmt::Display| MailboxError::NoWayBack(error.to_string());
        let gateway = ways.gateway().ok_or_else(|| no_way(&"there is no link to a gateway"))?;
        let (now, good_until) = (SystemTime::now(), good_until(&document, epoch));
        let ends =
            deadline_after(Instant::now(), good_until.duration_since(now).unwrap_or_default());
        let weights = self.weights();
        let net = Net { document, epoch, gateway, weights };
        let own = ways.own();
        let mut blocks = Vec::new();
        for _ in 0..count.min(MAX_OFFERED) {
            let way = net.back(own.id, own.key, None, &mut rand::rng());
            let Back { route, wait } = way.map_err(|error: RouteError| no_way(&error))?;
            let destination = HopAddress { node: own.id, trace: None };
            let identifier = identifier();
            let made = ReplyBlock::create(&route, destination, identifier, wait, &mut rand::rng());
            let (block, reply) = made.map_err(|error| no_way(&error))?;
            let block: Result<[u8; REPLY_BLOCK_SIZE], _> = block.to_bytes().try_into();
            blocks.push(block.map_err(|_| no_way(&"a reply block of another size"))?);
            let arrived = arrived.clone();
            ways.wait_on(Waiting { key: reply, ends, offer: key, arrived }, Instant::now());
        }
        Ok(ReplyOffer { key, good_until, blocks })
    }
}

/// Until when packet keys of an epoch are good for a packet that is sent then: the epoch's end, its
/// grace, less what the packet itself may take.
fn good_until(document: &Document, epoch: u64) -> SystemTime {
    let parameters = &document.parameters;
    let epochs = epoch.saturating_sub(document.epoch).saturating_add(parameters.key_grace());
    let epochs = u32::try_from(epochs).unwrap_or(u32::MAX);
    let longest = parameters.epoch_length.saturating_mul(epochs);
    let way = parameters.mean_hop_delay.saturating_mul(MEAN_DELAYS).min(longest);
    document.epoch_end + longest.saturating_sub(way)
}

/// Not the zeros that mean "no reply".
fn identifier() -> mixbed_wire::Identifier {
    use rand::Rng as _;
    let mut identifier = [0; 16];
    while identifier == [0; 16] {
        rand::rng().fill_bytes(&mut identifier);
    }
    identifier
}
