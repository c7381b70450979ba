//! What all connections of a port share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::SocksConfig;
use super::dial::Refused;
use super::names::{Meaning, Names};
use super::protocol::{Host, Refusal, Target, Version, Wanted};

/// Who dials, how patiently, and what names have an address.
#[derive(Debug)]
pub(super) struct Desk<D> {
    pub(super) dialler: D,
    pub(super) config: SocksConfig,
    names: Mutex<Names>,
}

impl<D> Desk<D> {
    pub(super) fn new(dialler: D, config: SocksConfig) -> Self {
        Self { dialler, config, names: Mutex::default() }
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to whoever looks a host up. Nobody is asked: a name gets an address that this port
    /// knows again.
    pub(super) fn look_up(&self, version: Version, wanted: Wanted) -> Vec<u8> {
        match wanted {
            Wanted::Address(Host::Name(name)) => {
                version.address(self.names().address(&name).into())
            }
            Wanted::Address(Host::Address(ip)) => version.address(ip),
            Wanted::Name(ip) => match self.names().meaning(ip) {
                Meaning::Name(name) => version.name(&name),
                Meaning::Forgotten | Meaning::Real => {
                    tracing::debug!("SOCKS: the name of an address that this port has not given");
                    version.refused(Refusal::HostUnreachable)
                }
            },
            // It is dialled, not looked up.
            Wanted::Connection(_) => version.refused(Refusal::General),
        }
    }

    /// Where a program wants to be connected to, if it says an address that was given for a name.
    pub(super) fn meant(&self, target: &Target) -> Result<Target, Refused> {
        let Target::Address(address) = target else { return Ok(target.clone()) };
        match self.names().meaning(address.ip()) {
            Meaning::Name(name) => Ok(Target::Name(name, address.port())),
            Meaning::Real => Ok(target.clone()),
            Meaning::Forgotten => Err(Refused {
                code: Refusal::HostUnreachable,
                why: "the address stands for a name, and for none by now: look the name up again"
                    .to_owned(),
            }),
        }
    }
}
