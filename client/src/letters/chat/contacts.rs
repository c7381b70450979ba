//! Names that the user gave to addresses.

#![deny(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use mixbed_wire::letter::MailboxAddress;

/// The most contacts.
pub(super) const MOST: usize = 1000;

/// A contact's name: 1 to 40 letters, digits, `-`, `_` and `.`; it does not look like an address,
/// nor like what somebody without a name is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactName(String);

/// A text that is no [`ContactName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a contact's name is 1 to 40 letters, digits, '-', '_' and '.', and begins with neither \
     mixbed1 nor anonymous-"
)]
pub struct BadName;

impl FromStr for ContactName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let lower = text.to_lowercase();
        let taken = lower.starts_with("mixbed1") || lower.starts_with("anonymous-");
        let good = (1..=40).contains(&text.chars().count()) && text.chars().all(fits) && !taken;
        if good { Ok(Self(text.to_owned())) } else { Err(BadName) }
    }
}

impl fmt::Display for ContactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ContactName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// All contacts.
pub(super) type Contacts = BTreeMap<ContactName, MailboxAddress>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_that_are_nothing_else() {
        for good in ["bob", "Jörg.K", "a", "x_1-2", &"n".repeat(40)] {
            assert_eq!(
                good.parse::<ContactName>().map(|name| name.to_string()),
                Ok(good.to_owned())
            );
        }
        let long = "n".repeat(41);
        for bad in ["", "two words", "\u{1b}[2J", "mixbed1qq", "Anonymous-1", "a/b", &long] {
            assert_eq!(bad.parse::<ContactName>(), Err(BadName), "{bad:?}");
        }
    }
}
