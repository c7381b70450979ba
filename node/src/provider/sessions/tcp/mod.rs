//! The service `tcp`: streams to targets that the provider's operator allowed.

mod carry;
mod config;
mod connect;
mod places;
mod rule;
mod target;

use std::sync::Arc;

use mixbed_session::{Code, Reason};

use super::{Asked, Serving, SessionBounds, StreamService};
use carry::carry;
pub use config::{TcpConfig, TcpName};
use connect::Connector;
use places::Places;
pub use rule::{RuleError, TargetRule};
use target::Target;

/// The service's name.
pub(super) const TCP_SERVICE: &str = "tcp";

/// Connects streams to targets. A target is `HOST:PORT`, its host a name, an IPv4 address, or an
/// IPv6 address in brackets. Names are looked up here.
#[derive(Debug)]
pub struct Tcp {
    config: Arc<TcpConfig>,
    places: Places,
    connector: Connector,
}

impl Tcp {
    /// The service, with the bounds for its connections.
    #[must_use]
    pub fn new(config: TcpConfig, bounds: &SessionBounds) -> Self {
        Self {
            config: Arc::new(config),
            places: Places::new(bounds.sockets, bounds.grace),
            connector: Connector::new(bounds.connect),
        }
    }
}

impl StreamService for Tcp {
    fn name(&self) -> &'static str {
        TCP_SERVICE
    }

    fn serve(&self, target: String, asked: Asked) -> Serving {
        let (config, connector) = (Arc::clone(&self.config), self.connector.clone());
        let places = self.places.clone();
        Box::pin(async move {
            let at = match permit(&config, &target) {
                Ok(at) => at,
                Err(reason) => return asked.refuse(reason),
            };
            let Some(place) = places.take() else {
                let words = format!("the provider has {} connections, its most", places.most());
                return asked.refuse(Reason::new(Code::Busy, words));
            };
            match connector.connect(&at).await {
                Ok(socket) => {
                    let mut stream = asked.grant();
                    stream.moves(place.moved.clone());
                    carry(stream, socket, &place.needed).await;
                }
                Err(code) => asked.refuse(Reason::new(code, target)),
            }
        })
    }
}

/// Where to connect to for a target, if it is allowed.
fn permit(config: &TcpConfig, target: &str) -> Result<Target, Reason> {
    let Some(asked) = Target::parse(target) else {
        return Err(Reason::new(Code::Forbidden, format!("{target} is no HOST:PORT")));
    };
    if !config.targets.iter().any(|rule| rule.allows(&asked)) {
        return Err(Reason::new(Code::Forbidden, target));
    }
    Ok(config.place(asked))
}

#[cfg(test)]
mod tests;
