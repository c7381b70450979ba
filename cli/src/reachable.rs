//! What the providers of a local net connect clients to.

use mixbed_node::provider::{RuleError, TargetRule, TcpConfig, TcpName};

/// The name under which clients find the net's own monerod.
pub(crate) const MONEROD: &str = "monerod.mixbed:18081";

/// What was allowed, and the listener of the net's own monerod that others may ask: under its address, and
/// as [`MONEROD`].
pub(crate) fn reachable(
    allowed: &[TargetRule],
    names: &[TcpName],
    monerod: Option<&str>,
) -> Result<TcpConfig, RuleError> {
    let mut config = TcpConfig { targets: allowed.to_vec(), names: names.to_vec() };
    if let Some(url) = monerod {
        let at = place(url);
        config.targets.push(at.parse()?);
        config.targets.push(MONEROD.parse()?);
        // A place that was given for this name goes before it.
        config.names.push(format!("{MONEROD}={at}").parse()?);
    }
    Ok(config)
}

/// `HOST:PORT` of a URL that is no more than that.
fn place(url: &str) -> String {
    let (place, usual) = match url.strip_prefix("https://") {
        Some(place) => (place, 443),
        None => (url.trim_start_matches("http://"), 80),
    };
    let place = place.trim_end_matches('/');
    let port = place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if port { place.to_owned() } else { format!("{place}:{usual}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nets_own_monerod_is_allowed_by_address_and_name() {
        for (url, at) in [
            ("http://127.0.0.1:38081", "127.0.0.1:38081"),
            ("http://[::1]:18081", "[::1]:18081"),
            ("http://[::1]", "[::1]:80"),
            ("http://node.example.org/", "node.example.org:80"),
            ("https://node.example.org", "node.example.org:443"),
            ("https://node.example.org:18089", "node.example.org:18089"),
        ] {
            let allowed = ["a:1".parse().expect("a rule")];
            let config = reachable(&allowed, &[], Some(url)).expect("an address");
            let rules: Vec<_> = config.targets.iter().map(ToString::to_string).collect();
            assert_eq!(rules, ["a:1", at, MONEROD]);
            assert_eq!(config.names[0].to_string(), format!("{MONEROD}={at}"));
        }
        assert_eq!(reachable(&[], &[], None).expect("nothing"), TcpConfig::default());
    }
}
