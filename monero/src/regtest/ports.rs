//! Loopback ports for programs that must be told theirs.

use std::net::{Ipv4Addr, TcpListener};

use super::RegtestError;

/// `N` different ports of 127.0.0.1 that nothing listens on at this moment.
///
/// Between this and the program's own bind somebody may take one: whoever starts a program on
/// such a port tries again with others when it reports that.
pub(super) fn free<const N: usize>(what: &'static str) -> Result<[u16; N], RegtestError> {
    let failed = |source| RegtestError::NoPort { what, source };
    // All are held at once, so that they differ.
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        *port = listener.local_addr().map_err(failed)?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Fails if something listens on `port`.
pub(super) fn check_free(port: u16, what: &'static str) -> Result<(), RegtestError> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Err(RegtestError::PortInUse { port, what })
        }
        Err(source) => Err(RegtestError::NoPort { what, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ_and_can_be_bound() {
        let ports: [u16; 3] = free("a test").unwrap();
        assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2]);
        assert!(ports.iter().all(|port| *port != 0));
    }

    #[test]
    fn a_taken_port_is_reported_by_its_number() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let error = check_free(port, "a test").unwrap_err();
        assert!(matches!(error, RegtestError::PortInUse { .. }));
        assert!(error.to_string().contains(&port.to_string()), "{error}");
    }
}
