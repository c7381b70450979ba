//! SOCKS 4 and 4a: one message.
//!
//! `4 | command | port 2 | address 4 | user id… 0`, and with an address of 0.0.0.x, x not 0,
//! `host name… 0` after it: that is 4a.

use super::malformed::{MAX_USER, Malformed};
use super::reply::Version;
use super::target::{MAX_NAME, TargetError};
use super::{Command, Host, Isolation, Request, Wanted};

/// Reads a request from the beginning of `bytes`, and how long it is; nothing if it goes on.
pub(super) fn request(bytes: &[u8]) -> Result<Option<(Request, usize)>, Malformed> {
    let Some(&command) = bytes.get(1) else { return Ok(None) };
    let command = Command::read(Version::Four, command)?;
    let Some((&[_, _, p0, p1, a, b, c, d], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    let port = u16::from_be_bytes([p0, p1]);
    let Some(user) = text(rest, MAX_USER, Malformed::LongUser)? else {
        return Ok(None);
    };
    let mut length = 8 + user.len() + 1;
    let bad = |source| Malformed::Target { version: Version::Four, source };
    let host = if [a, b, c] == [0, 0, 0] && d != 0 {
        let rest = &rest[user.len() + 1..];
        let Some(name) = text(rest, MAX_NAME, bad(TargetError::LongName))? else {
            return Ok(None);
        };
        length += name.len() + 1;
        Host::named(name)
    } else {
        Ok(Host::Address([a, b, c, d].into()))
    };
    let wanted = host.and_then(|host| match (command, host) {
        (Command::Connect, host) => host.with_port(port).map(Wanted::Connection),
        (Command::Resolve, host) => Ok(Wanted::Address(host)),
        // There is none in this dialect: its answer has no room for a name.
        (Command::ResolvePtr, _) => Err(TargetError::NoAddress),
    });
    let (wanted, isolation) = (wanted.map_err(bad)?, Isolation::of_user(user));
    Ok(Some((Request { version: Version::Four, wanted, isolation }, length)))
}

/// What stands before the zero byte; nothing if none has come yet.
fn text(bytes: &[u8], max: usize, too_long: Malformed) -> Result<Option<&[u8]>, Malformed> {
    match bytes.iter().take(max + 1).position(|byte| *byte == 0) {
        Some(end) => Ok(Some(&bytes[..end])),
        None if bytes.len() > max => Err(too_long),
        None => Ok(None),
    }
}
