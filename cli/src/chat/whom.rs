//! Whom a command is about.

use mixbed_client::letters::chat::ContactName;
use mixbed_wire::letter::MailboxAddress;

/// The client knows who it is; what can be nobody is said at once.
pub(crate) fn check_whom(who: &str) -> Result<(), String> {
    if who.starts_with("anonymous-") || who.parse::<ContactName>().is_ok() {
        return Ok(());
    }
    who.parse::<MailboxAddress>().map(|_| ()).map_err(|error| error.to_string())
}
