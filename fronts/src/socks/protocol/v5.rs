//! SOCKS 5: a greeting, user and password if the program has any, a request.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::malformed::Malformed;
use super::reply::Version;
use super::{Isolation, Target};

/// Going without a name.
pub(super) const NO_NAME: u8 = 0;
/// User and password.
pub(super) const USER: u8 = 2;

const CONNECT: u8 = 1;

/// `5 | count | methods…`: the method that is taken, user and password where they are offered.
pub(super) fn greeting(bytes: &[u8]) -> Result<Option<(u8, usize)>, Malformed> {
    let Some((&[_, count], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let Some(methods) = rest.get(..usize::from(count)) else {
        return Ok(None);
    };
    let taken = [USER, NO_NAME].into_iter().find(|method| methods.contains(method));
    let taken = taken.ok_or(Malformed::NoMethod)?;
    Ok(Some((taken, 2 + methods.len())))
}

/// `1 | length | user… | length | password…`
pub(super) fn user(bytes: &[u8]) -> Result<Option<(Isolation, usize)>, Malformed> {
    let Some((&version, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    if version != 1 {
        return Err(Malformed::AuthVersion(version));
    }
    let Some((user, rest)) = counted(rest) else { return Ok(None) };
    let Some((password, rest)) = counted(rest) else { return Ok(None) };
    let length = bytes.len() - rest.len();
    Ok(Some((Isolation::of_user_and_password(user, password), length)))
}

/// `5 | command | 0 | type of address | address… | port 2`
pub(super) fn request(bytes: &[u8]) -> Result<Option<(Target, usize)>, Malformed> {
    match bytes {
        [version, ..] if *version != 5 => return Err(Malformed::RequestVersion(*version)),
        [_, command, ..] if *command != CONNECT => {
            return Err(Malformed::Command { version: Version::Five, command: *command });
        }
        _ => {}
    }
    let Some((&[_, _, _, kind], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let host = match kind {
        1 => rest.split_first_chunk().map(|(ip, rest)| (Host::V4(Ipv4Addr::from(*ip)), rest)),
        3 => counted(rest).map(|(name, rest)| (Host::Name(name), rest)),
        4 => rest.split_first_chunk::<16>().map(|(ip, rest)| (Host::V6(Ipv6Addr::from(*ip)), rest)),
        kind => return Err(Malformed::AddressType(kind)),
    };
    let Some((host, rest)) = host else { return Ok(None) };
    let Some((port, rest)) = rest.split_first_chunk() else { return Ok(None) };
    let port = u16::from_be_bytes(*port);
    let target = match host {
        Host::V4(ip) => Target::address(ip, port),
        Host::V6(ip) => Target::address(ip, port),
        Host::Name(name) => Target::named(name, port),
    };
    let target = target.map_err(|source| Malformed::Target { version: Version::Five, source })?;
    Ok(Some((target, bytes.len() - rest.len())))
}

enum Host<'a> {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    Name(&'a [u8]),
}

/// `length | bytes…`, and what follows.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(length))
}
