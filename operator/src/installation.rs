//! What an operator was installed with. Whoever installs it bounds by this what those can do who only
//! may make Mixnets and Broadcasts.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

/// What an operator was installed with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installation {
    /// The image with `mixbed`, for specs that name none; empty: there is none.
    pub mixbed: String,
    /// The image with monerod and monero-wallet-rpc, for specs that name none; empty: there is none.
    pub monero: String,
    /// Repositories whose images a spec may name besides those of these two; one that ends with `/*`
    /// is all below it.
    pub repositories: Vec<String>,
    /// What network policies are made of.
    pub network: Network,
}

/// What the network policies of Mixnets have to know of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Who may read metrics.
    pub scrapers: Vec<Scraper>,
    /// The API server's addresses; none: they are not known.
    pub api_server: Vec<Addresses>,
    /// Its ports: a policy sees the one behind the Service, which every distribution chooses for itself.
    pub api_server_ports: Vec<u16>,
    /// The ports of DNS, behind its Service too.
    pub dns_ports: Vec<u16>,
    /// Ports of the collector's pods, if its Service has others.
    pub collector_ports: Vec<u16>,
}

impl Network {
    /// Where most distributions have their API server.
    pub const API_SERVER_PORTS: [u16; 4] = [443, 6443, 8443, 16443];
    /// Where most have DNS: `OpenShift`'s listens at the second.
    pub const DNS_PORTS: [u16; 2] = [53, 5353];
}

impl Default for Network {
    fn default() -> Self {
        Self {
            scrapers: Vec::new(),
            api_server: Vec::new(),
            api_server_ports: Self::API_SERVER_PORTS.to_vec(),
            dns_ports: Self::DNS_PORTS.to_vec(),
            collector_ports: Vec::new(),
        }
    }
}

impl Installation {
    /// Whether a Mixnet may name this image.
    #[must_use]
    pub fn allows(&self, image: &str) -> bool {
        let wanted = repository(image);
        let own = [&self.mixbed, &self.monero].map(|image| repository(image));
        let inside = |allowed: &String| match allowed.strip_suffix('*') {
            Some(folder) => folder.ends_with('/') && wanted.starts_with(folder),
            None => wanted == allowed,
        };
        own.contains(&wanted) || self.repositories.iter().any(inside)
    }
}

/// An image without its tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    // A colon before the last slash is a port's.
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

/// Pods that may read metrics: those of a namespace with these labels, written
/// `NAMESPACE/KEY=VALUE,KEY=VALUE`, or just `NAMESPACE` for all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scraper {
    /// Their namespace.
    pub namespace: String,
    /// Labels that they all have.
    pub labels: BTreeMap<String, String>,
}

/// Addresses, written like `10.0.0.1` or `10.0.0.0/24`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses(String);

impl Addresses {
    /// With the number of bits that they share.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why something of an installation cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InstallationError {
    /// These are no pods.
    #[error("{0:?}: write NAMESPACE or NAMESPACE/KEY=VALUE, such as monitoring/app=prometheus")]
    Scraper(String),
    /// These are no addresses.
    #[error("{0:?}: write an address or a network, such as 10.0.0.1 or 10.0.0.0/24")]
    Addresses(String),
}

impl FromStr for Scraper {
    type Err = InstallationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InstallationError::Scraper(text.chars().take(80).collect());
        let (namespace, labels) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if namespace.is_empty() || namespace.len() > 63 || !namespace.chars().all(inside) {
            return Err(wrong());
        }
        let mut all = BTreeMap::new();
        for label in labels.into_iter().flat_map(|labels| labels.split(',')) {
            let (key, value) = label.split_once('=').ok_or_else(wrong)?;
            if key.is_empty() {
                return Err(wrong());
            }
            all.insert(key.to_owned(), value.to_owned());
        }
        Ok(Self { namespace: namespace.to_owned(), labels: all })
    }
}

impl FromStr for Addresses {
    type Err = InstallationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InstallationError::Addresses(text.chars().take(80).collect());
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most: u8 = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if bits > most {
            return Err(wrong());
        }
        Ok(Self(format!("{address}/{bits}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_the_operators_own_repositories_and_of_those_that_it_was_told_of() {
        let installation = Installation {
            mixbed: "registry:5000/mixbed:0.1.0".to_owned(),
            monero: "docker.io/mixbed/monero@sha256:00ff".to_owned(),
            repositories: vec!["localhost/other".to_owned(), "r.example/team/*".to_owned()],
            ..Installation::default()
        };
        for good in [
            "registry:5000/mixbed",
            "registry:5000/mixbed:2",
            "registry:5000/mixbed:2@sha256:00ff",
            "docker.io/mixbed/monero:1",
            "localhost/other:x",
            "r.example/team/a",
            "r.example/team/a/b:1",
        ] {
            assert!(installation.allows(good), "{good}");
        }
        for bad in [
            "registry:5000/mixbed-evil",
            "registry:5000/mixbed/evil",
            "registry/mixbed:2",
            "evil/registry:5000/mixbed",
            "localhost/other/x",
            "r.example/team",
            "r.example/teams/a",
            "",
        ] {
            assert!(!installation.allows(bad), "{bad}");
        }
        // A star that is no folder's end is none.
        let star = Installation { repositories: vec!["*".to_owned()], ..Installation::default() };
        assert!(!star.allows("evil:1"));
    }

    #[test]
    fn scrapers_are_pods_of_one_namespace() {
        let scraper: Scraper = "monitoring/app.kubernetes.io/name=prometheus,a=b".parse().unwrap();
        assert_eq!(scraper.namespace, "monitoring");
        let labels: Vec<_> = scraper.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(labels, [("a", "b"), ("app.kubernetes.io/name", "prometheus")]);
        assert!("monitoring".parse::<Scraper>().unwrap().labels.is_empty());
        for bad in ["", "/a=b", "Monitoring", "monitoring/", "monitoring/a", "monitoring/=b"] {
            assert!(bad.parse::<Scraper>().is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_are_networks() {
        let read = |text: &str| text.parse::<Addresses>().map(|addresses| addresses.0);
        assert_eq!(read("10.0.0.1").unwrap(), "10.0.0.1/32");
        assert_eq!(read("10.0.0.0/24").unwrap(), "10.0.0.0/24");
        assert_eq!(read("fd00::1").unwrap(), "fd00::1/128");
        for bad in ["", "kubernetes", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "fd00::/129"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
