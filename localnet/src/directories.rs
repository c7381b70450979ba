//! The net's directory, or several that make one document together.

use std::path::PathBuf;

use mixbed_directory::authority::{ConfigError, PeerDirectory, StartError};
use mixbed_directory::voting::PanelError;
use mixbed_directory::{
    Authority, AuthorityConfig, IdentityPublic, IdentitySecret, JoinSecret, Trust,
};
use tokio::net::TcpListener;

use crate::LocalNetConfig;

/// One directory or several.
#[derive(Debug)]
pub(crate) struct LocalDirectories {
    network: String,
    seats: Vec<Seat>,
}

/// One of them.
#[derive(Debug)]
struct Seat {
    name: String,
    key: IdentityPublic,
    config: AuthorityConfig,
    running: Option<Authority>,
}

impl LocalDirectories {
    pub(crate) async fn start(
        config: &LocalNetConfig,
        join_secret: &JoinSecret,
        admin: &IdentitySecret,
    ) -> Result<Self, StartError> {
        let count = config.directories;
        if count == 0 {
            return Err(StartError::Config(ConfigError::Panel(PanelError::Size(count))));
        }
        let (mut listeners, mut plans) = (Vec::new(), Vec::new());
        for at in 0..count {
            let mut address = config.directory;
            if address.port() > 0 {
                let further = u16::try_from(at).unwrap_or(u16::MAX);
                address.set_port(address.port().saturating_add(further));
            }
            let listen = |source| StartError::Listen { address, source };
            let listener = TcpListener::bind(address).await.map_err(listen)?;
            let listen_on = listener.local_addr().map_err(listen)?;
            listeners.push(listener);
            let name = if count == 1 { "directory".to_owned() } else { format!("directory-{at}") };
            let state_dir = config.state_dir.as_ref();
            let state_dir =
                state_dir.map(|dir| if count == 1 { dir.clone() } else { dir.join(&name) });
            let plan = AuthorityConfig {
                listen: listen_on,
                state_dir: state_dir.clone(),
                admins: vec![admin.public()],
                parameters: config.parameters.clone(),
                ..AuthorityConfig::new(&config.network, join_secret.clone())
            };
            plans.push((name, Key::of(state_dir), plan));
        }
        let urls: Vec<_> =
            plans.iter().map(|(.., plan)| format!("mixbed://{}", plan.listen)).collect();
        let keys: Vec<_> = plans.iter().map(|(_, key, _)| key.public()).collect();
        let mut seats = Vec::new();
        for (at, (listener, (name, key, mut plan))) in listeners.into_iter().zip(plans).enumerate()
        {
            let others = (0..count).filter(|other| *other != at);
            plan.peers =
                others.map(|at| PeerDirectory { key: keys[at], url: urls[at].clone() }).collect();
            if let Key::Drawn(secret) = key {
                plan.signing_key = Some(secret);
            }
            let running = Some(Authority::start_on(listener, plan.clone()).await?);
            seats.push(Seat { name, key: keys[at], config: plan, running });
        }
        Ok(Self { network: config.network.clone(), seats })
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::majority(&self.network, self.seats.iter().map(|seat| seat.key).collect())
    }

    pub(crate) fn urls(&self) -> String {
        self.joined(|seat| format!("mixbed://{}", seat.config.listen))
    }

    pub(crate) fn keys(&self) -> String {
        self.joined(|seat| seat.key.to_string())
    }

    fn joined(&self, text: impl Fn(&Seat) -> String) -> String {
        self.seats.iter().map(text).collect::<Vec<_>>().join(",")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Option<&Authority>)> {
        self.seats.iter().map(|seat| (seat.name.as_str(), seat.running.as_ref()))
    }

    pub(crate) fn config(&self, at: usize) -> Option<&AuthorityConfig> {
        self.seats.get(at).map(|seat| &seat.config)
    }

    pub(crate) async fn stop(&mut self, at: usize) {
        if let Some(authority) = self.seats.get_mut(at).and_then(|seat| seat.running.take()) {
            authority.shutdown().await;
        }
    }

    pub(crate) async fn start_again(&mut self, at: usize) -> Result<(), StartError> {
        if let Some(seat) = self.seats.get_mut(at) {
            seat.running = Some(Authority::start(seat.config.clone()).await?);
        }
        Ok(())
    }
}

/// The others have to know a directory's key before it starts.
enum Key {
    Drawn(IdentitySecret),
    /// It is in its state, with the public half beside it.
    Kept(IdentityPublic),
}

impl Key {
    fn of(state_dir: Option<PathBuf>) -> Self {
        let kept =
            state_dir.and_then(|dir| std::fs::read_to_string(dir.join("authority.pub")).ok());
        match kept.and_then(|text| text.parse().ok()) {
            Some(key) => Self::Kept(key),
            None => Self::Drawn(IdentitySecret::generate(&mut rand::rng())),
        }
    }

    fn public(&self) -> IdentityPublic {
        match self {
            Self::Drawn(secret) => secret.public(),
            Self::Kept(key) => *key,
        }
    }
}
