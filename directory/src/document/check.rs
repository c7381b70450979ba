//! Which texts may stand in a document.

/// A name as DNS has it: 1 to 63 of `a-z`, `0-9` and `-`.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A service's name: 1 to 63 of `a-z`, `0-9`, `-`, `_` and `.`.
pub(super) fn is_service(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.')
        })
}

/// A program's version: up to 63 printable characters without spaces.
pub(super) fn is_version(text: &str) -> bool {
    text.len() <= 63 && text.bytes().all(|b| b.is_ascii_graphic())
}

/// `host:port`, the host a name, an IPv4 address or an IPv6 address in brackets, the port not 0.
pub(super) fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let port_is_good =
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_is_good = match inner {
        Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            (1..=253).contains(&host.len())
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        }
    };
    port_is_good && host_is_good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["127.0.0.1:80", "mix-1.mixes.ns.svc:9000", "[::1]:65535", "a:1"] {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}:1", "a".repeat(254));
        for bad in
            ["", ":", "a", "a:", "a:0", "a:65536", "::1:80", "[x]:1", ":80", "a b:1", "a:+1", &long]
        {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn names() {
        assert!(is_label("gateway-0") && is_label(&"a".repeat(63)));
        for bad in ["", "Gateway", "a_b", "a.b", "ä", &"a".repeat(64)] {
            assert!(!is_label(bad), "{bad}");
        }
        assert!(is_service("monero.submit") && !is_service("") && !is_service("a b"));
        assert!(is_version("") && is_version("0.1.0+abc") && !is_version("0.1 0"));
    }
}
