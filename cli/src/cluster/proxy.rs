//! Which proxy leads to a cluster, decided as kubectl decides it.
//!
//! A kubeconfig's `proxy-url` is always used. Without one the variables hold: `HTTPS_PROXY` (or
//! `HTTP_PROXY` for a server without TLS), unless `NO_PROXY` names the server or it is this machine.
//! The Kubernetes library looks at the same variables, but compares `NO_PROXY` with the proxy.

use std::net::IpAddr;

use axum::http::Uri;

/// Why no proxy can be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyError {
    /// It is no URL.
    #[error("{from} is no URL of a proxy: write it like http://proxy.example:3128")]
    NoUrl { from: &'static str },
    /// It is of another kind.
    #[error(
        "{from} is a proxy of the kind {scheme}, which is not supported: use http, https or socks5"
    )]
    Scheme { from: &'static str, scheme: String },
}

/// The proxy on the way to the server at `server`, if there is one. `in_kubeconfig` is the
/// kubeconfig's `proxy-url`, `variable` looks up variables of the environment.
pub(super) fn proxy_for(
    server: &Uri,
    in_kubeconfig: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Uri>, ProxyError> {
    if let Some(url) = in_kubeconfig.filter(|url| !url.is_empty()) {
        return parse(url, "the kubeconfig's proxy-url").map(Some);
    }
    let either = |upper: &str| {
        let found = |name: &str| variable(name).filter(|value| !value.is_empty());
        found(upper).or_else(|| found(&upper.to_lowercase()))
    };
    let from = if server.scheme_str() == Some("http") { "HTTP_PROXY" } else { "HTTPS_PROXY" };
    let Some(proxy) = either(from) else { return Ok(None) };
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
    let port = server.port_u16().unwrap_or(if from == "HTTP_PROXY" { 80 } else { 443 });
    let not_for = either("NO_PROXY").unwrap_or_default();
    if is_this_machine(&host) || not_for.split(',').any(|entry| names(entry, &host, port)) {
        return Ok(None);
    }
    parse(&proxy, from).map(Some)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether an entry of `NO_PROXY` names this server: `*`, an address, a range of addresses, a
/// domain with those below it, or `.domain` for those below it only; all but ranges with a port if
/// that is to be the same.
fn names(entry: &str, host: &str, port: u16) -> bool {
    let entry = entry.trim().to_lowercase();
    if entry == "*" {
        return true;
    }
    let ip = host.parse::<IpAddr>().ok();
    if let Some((base, length)) = range(&entry) {
        return ip.is_some_and(|ip| is_within(ip, base, length));
    }
    let (name, its_port) = match entry.rsplit_once(':') {
        // An IPv6 address has colons of its own.
        Some((name, its_port)) if !name.contains(':') || name.ends_with(']') => {
            (name, its_port.parse::<u16>().ok())
        }
        _ => (entry.as_str(), None),
    };
    if its_port.is_some_and(|its_port| its_port != port) {
        return false;
    }
    let name = name.trim_matches(['[', ']']);
    if let Ok(its_ip) = name.parse::<IpAddr>() {
        return ip == Some(its_ip);
    }
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        // An address is within no domain.
        _ if name.is_empty() || ip.is_some() => false,
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

/// `10.0.0.0/8`: an address, and how many of its bits count.
fn range(entry: &str) -> Option<(IpAddr, u8)> {
    let (base, length) = entry.split_once('/')?;
    let base: IpAddr = base.parse().ok()?;
    let length = length.parse().ok()?;
    (length <= if base.is_ipv4() { 32 } else { 128 }).then_some((base, length))
}

fn is_within(ip: IpAddr, base: IpAddr, length: u8) -> bool {
    // All bits, the unused ones after them.
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    };
    let differ = bits(ip) ^ bits(base);
    ip.is_ipv4() == base.is_ipv4() && differ.leading_zeros() >= length.into()
}

/// Without a scheme it is an HTTP proxy.
fn parse(text: &str, from: &'static str) -> Result<Uri, ProxyError> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    // The library leaves names to the proxy in any case, which is what the h stands for.
    let with_scheme = match with_scheme.strip_prefix("socks5h://") {
        Some(rest) => format!("socks5://{rest}"),
        None => with_scheme,
    };
    let uri: Uri = with_scheme.parse().map_err(|_| ProxyError::NoUrl { from })?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") if uri.host().is_some_and(|host| !host.is_empty()) => {
            Ok(uri)
        }
        Some("http" | "https" | "socks5") | None => Err(ProxyError::NoUrl { from }),
        Some(scheme) => Err(ProxyError::Scheme { from, scheme: scheme.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(
        server: &str,
        in_kubeconfig: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Option<String>, ProxyError> {
        let variable = |name: &str| {
            let mut variables = variables.iter();
            variables.find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        };
        let found = proxy_for(&server.parse().unwrap(), in_kubeconfig, variable)?;
        Ok(found.map(|uri| uri.to_string()))
    }

    const AT: &str = "http://proxy.example:3128";

    /// Whether the variable's proxy is used for the server, with this `NO_PROXY`.
    fn is_used(server: &str, no_proxy: &str) -> bool {
        proxy(server, None, &[("HTTPS_PROXY", AT), ("NO_PROXY", no_proxy)]).unwrap().is_some()
    }

    #[test]
    fn the_kubeconfig_goes_before_the_variables_and_no_proxy_is_not_for_it() {
        let server = "https://api.example:6443";
        let variables = [("HTTPS_PROXY", AT), ("NO_PROXY", "*")];
        let own = proxy(server, Some("socks5://127.0.0.1:1080"), &variables).unwrap();
        assert_eq!(own.as_deref(), Some("socks5://127.0.0.1:1080/"));
        assert_eq!(proxy(server, None, &variables), Ok(None));
        assert_eq!(proxy(server, Some(""), &variables), Ok(None));
        assert_eq!(proxy(server, None, &[]), Ok(None));
    }

    #[test]
    fn the_variable_is_that_of_the_servers_scheme_in_either_case() {
        let at = Ok(Some(format!("{AT}/")));
        assert_eq!(proxy("https://a.example", None, &[("https_proxy", AT)]), at);
        assert_eq!(proxy("https://a.example", None, &[("HTTP_PROXY", AT)]), Ok(None));
        assert_eq!(proxy("http://a.example", None, &[("HTTP_PROXY", AT)]), at);
        assert_eq!(proxy("https://a.example", None, &[("HTTPS_PROXY", "proxy.example:3128")]), at);
        let both = [("HTTPS_PROXY", AT), ("no_proxy", "a.example")];
        assert_eq!(proxy("https://a.example", None, &both), Ok(None));
    }

    #[test]
    fn no_proxy_names_servers_as_it_does_for_kubectl() {
        let server = "https://api.dev.example:6443";
        for no in [
            "*",
            "api.dev.example",
            "dev.example",
            ".dev.example",
            "*.dev.example",
            "example",
            " other.example, DEV.example ",
            "dev.example:6443",
            "x,,api.dev.example:6443",
        ] {
            assert!(!is_used(server, no), "{no}");
        }
        for other in [
            "",
            ",",
            "i.dev.example",
            "v.example",
            ".api.dev.example",
            "dev.example:443",
            "10.0.0.0/8",
            "0.0.0.0/0",
            ":6443",
            "api.dev.example.com",
        ] {
            assert!(is_used(server, other), "{other}");
        }
        let server = "https://10.1.2.3:6443";
        for no in
            ["10.1.2.3", "10.0.0.0/8", "10.1.2.2/31", "10.1.2.3/32", "10.1.2.3:6443", "0.0.0.0/0"]
        {
            assert!(!is_used(server, no), "{no}");
        }
        for other in ["10.1.2.4", "10.1.2.3:443", "10.1.2.4/31", "10.0.0.0/33", "::/0", "3"] {
            assert!(is_used(server, other), "{other}");
        }
        let server = "https://[fd00::7]:6443";
        for no in ["fd00::7", "[fd00::7]", "[fd00::7]:6443", "fd00::/8"] {
            assert!(!is_used(server, no), "{no}");
        }
        for other in ["fd00::8", "[fd00::7]:443", "fe00::/8", "0.0.0.0/0"] {
            assert!(is_used(server, other), "{other}");
        }
    }

    #[test]
    fn this_machine_needs_no_proxy() {
        for server in ["https://127.0.0.1:6443", "https://localhost:6443", "https://[::1]:6443"] {
            assert!(!is_used(server, ""), "{server}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_told_with_where_it_was_said() {
        let server = "https://a.example";
        let said = |url: &str| proxy(server, Some(url), &[]).unwrap_err().to_string();
        assert!(said("ftp://proxy").contains("proxy-url is a proxy of the kind ftp"));
        assert!(said("http://").contains("proxy-url is no URL"), "{}", said("http://"));
        let wrong = proxy(server, None, &[("HTTPS_PROXY", "a b")]).unwrap_err().to_string();
        assert!(wrong.contains("HTTPS_PROXY is no URL"), "{wrong}");
        let remote = proxy(server, Some("socks5h://proxy.example:1080"), &[]).unwrap();
        assert_eq!(remote.as_deref(), Some("socks5://proxy.example:1080/"));
    }
}
