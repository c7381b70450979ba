//! The service `tcp`: streams to targets that the provider's operator allowed.

mod carry;
mod config;
mod connect;
mod rule;
mod target;

use std::sync::Arc;
use std::time::Duration;

use mixbed_session::{Code, Reason};
use tokio::sync::Semaphore;

use super::{Asked, Serving, SessionBounds, StreamService};
use carry::carry;
pub use config::{TcpConfig, TcpName};
use connect::connect;
pub use rule::{RuleError, TargetRule};
use target::Target;

/// The service's name.
pub(super) const TCP_SERVICE: &str = "tcp";

/// Connects streams to targets. A target is `HOST:PORT`, its host a name, an IPv4 address, or an
/// IPv6 address in brackets. Names are looked up here.
#[derive(Debug)]
pub struct Tcp {
    config: Arc<TcpConfig>,
    sockets: Arc<Semaphore>,
    most: usize,
    within: Duration,
}

impl Tcp {
    /// The service, with the bounds for its connections.
    #[must_use]
    pub fn new(config: TcpConfig, bounds: &SessionBounds) -> Self {
        Self {
            config: Arc::new(config),
            sockets: Arc::new(Semaphore::new(bounds.sockets)),
            most: bounds.sockets,
            within: bounds.connect,
        }
    }
}

impl StreamService for Tcp {
    fn name(&self) -> &'static str {
        TCP_SERVICE
    }

    fn serve(&self, target: String, asked: Asked) -> Serving {
        let (config, within) = (Arc::clone(&self.config), self.within);
        let place = Arc::clone(&self.sockets).try_acquire_owned();
        let most = self.most;
        Box::pin(async move {
            let at = match permit(&config, &target) {
                Ok(at) => at,
                Err(reason) => return asked.refuse(reason),
            };
            let Ok(_place) = place else {
                let words = format!("the provider has {most} connections, its most");
                return asked.refuse(Reason::new(Code::Busy, words));
            };
            match connect(&at, within).await {
                Ok(socket) => carry(asked.grant(), socket).await,
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
