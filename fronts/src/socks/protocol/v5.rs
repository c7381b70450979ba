//! SOCKS 5: a greeting, user and password if the program has any, a request.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::malformed::Malformed;
use super::reply::Version;
use super::target::TargetError;
use super::{Command, Host, Wanted};

/// Going without a name.
pub(super) const NO_NAME: u8 = 0;
/// User and password.
pub(super) const USER: u8 = 2;

/// Who a program says it is.
pub(super) struct User<'a> {
    pub(super) name: &'a [u8],
    pub(super) password: &'a [u8],
}

/// `5 | count | methods…`: the method that is taken, user and password where they are offered, and no other
/// where a password is wanted.
pub(super) fn greeting(
    bytes: &[u8],
    wants_password: bool,
) -> Result<Option<(u8, usize)>, Malformed> {
    let Some((&[_, count], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let Some(methods) = rest.get(..usize::from(count)) else {
        return Ok(None);
    };
    let taken = match (methods.contains(&USER), methods.contains(&NO_NAME)) {
        (true, _) => USER,
        (false, true) if !wants_password => NO_NAME,
        (false, true) => return Err(Malformed::NoUser),
        (false, false) => return Err(Malformed::NoMethod),
    };
    Ok(Some((taken, 2 + methods.len())))
}

/// `1 | length | user… | length | password…`
pub(super) fn user(bytes: &[u8]) -> Result<Option<(User<'_>, usize)>, Malformed> {
    let Some((&version, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    if version != 1 {
        return Err(Malformed::AuthVersion(version));
    }
    let Some((name, rest)) = counted(rest) else { return Ok(None) };
    let Some((password, rest)) = counted(rest) else { return Ok(None) };
    let length = bytes.len() - rest.len();
    Ok(Some((User { name, password }, length)))
}

/// `5 | command | 0 | type of address | address… | port 2`
pub(super) fn request(bytes: &[u8]) -> Result<Option<(Wanted, usize)>, Malformed> {
    let command = match bytes {
        [version, ..] if *version != 5 => return Err(Malformed::RequestVersion(*version)),
        [_, command, ..] => Command::read(Version::Five, *command)?,
        _ => return Ok(None),
    };
    let Some((&[_, _, _, kind], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let host = match kind {
        1 => rest
            .split_first_chunk()
            .map(|(ip, rest)| (Ok(Host::Address(Ipv4Addr::from(*ip).into())), rest)),
        3 => counted(rest).map(|(name, rest)| (Host::named(name), rest)),
        4 => rest
            .split_first_chunk::<16>()
            .map(|(ip, rest)| (Ok(Host::Address(Ipv6Addr::from(*ip).into())), rest)),
        kind => return Err(Malformed::AddressType(kind)),
    };
    let Some((host, rest)) = host else { return Ok(None) };
    let Some((port, rest)) = rest.split_first_chunk() else { return Ok(None) };
    let port = u16::from_be_bytes(*port);
    let wanted = host.and_then(|host| match (command, host) {
        (Command::Connect, host) => host.with_port(port).map(Wanted::Connection),
        (Command::Resolve, host) => Ok(Wanted::Address(host)),
        (Command::ResolvePtr, Host::Address(ip)) => Ok(Wanted::Name(ip)),
        (Command::ResolvePtr, Host::Name(_)) => Err(TargetError::NoAddress),
    });
    let wanted = wanted.map_err(|source| Malformed::Target { version: Version::Five, source })?;
    Ok(Some((wanted, bytes.len() - rest.len())))
}

/// `length | bytes…`, and what follows.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(length))
}
