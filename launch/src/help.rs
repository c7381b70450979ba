//! Reading `--help`.

use std::collections::BTreeSet;

use crate::Optional;

/// What a program prints for `--help`: its version, and the options that it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    version: Option<String>,
    options: BTreeSet<String>,
}

impl Help {
    /// The argument that makes a program print it.
    pub const ASK: &'static str = "--help";

    /// Reads it. A text that is none knows no option.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let version = text.lines().next().and_then(version).map(str::to_owned);
        // A line of an option begins with it; others explain it and may name another.
        let first_words = text.lines().filter_map(|line| line.split_whitespace().next());
        let options =
            first_words.filter(|word| word.starts_with("--")).map(str::to_owned).collect();
        Self { version, options }
    }

    /// The version, as in `0.18.4.0`, where the program says one.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Whether the program takes this option.
    #[must_use]
    pub fn knows(&self, option: Optional) -> bool {
        self.options.contains(option.as_str())
    }

    /// Of [`Optional::ALL`] those that the program takes.
    pub fn known(&self) -> impl Iterator<Item = Optional> {
        Optional::ALL.into_iter().filter(|option| self.knows(*option))
    }
}

/// `Monero 'Fluorine Fermi' (v0.18.4.0-release)`: the numbers.
fn version(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("(v")?;
    rest.split(['-', ')']).next().filter(|numbers| !numbers.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "Monero 'Fluorine Fermi' (v0.18.0.0-unknown)\n\n\
        This is the RPC monero wallet. It needs to connect to a monero\ndaemon to work correctly.\n\n\
        Usage:\n  monero-wallet-rpc [--wallet-file=<file>|--wallet-dir=<directory>] [--rpc-bind-port=<port>]\n\n\
        General options:\n  --help                                Produce help message\n\n\
        Wallet options:\n  --daemon-address arg                  Use daemon instance at <host>:<port>\n";

    #[test]
    fn an_option_is_known_where_a_line_begins_with_it() {
        let option = Optional::AllowMismatchedDaemonVersion;
        assert!(!Help::read(OLD).knows(option));
        let named = format!("{OLD}                                        see {option}\n");
        assert!(!Help::read(&named).knows(option), "only named");
        let longer = format!("{OLD}  {option}s arg   Another\n");
        assert!(!Help::read(&longer).knows(option), "another, of which it is the beginning");
        let new = format!("{OLD}  {option}     Allow communicating with a daemon that \n");
        assert!(Help::read(&new).knows(option));
        assert_eq!(Help::read(&new).known().collect::<Vec<_>>(), [option]);
    }

    #[test]
    fn the_version_is_in_the_first_line() {
        assert_eq!(Help::read(OLD).version(), Some("0.18.0.0"));
        assert_eq!(Help::read("Monero 'X' (v0.18.4.2-release)\n").version(), Some("0.18.4.2"));
        assert_eq!(Help::read("Monero 'X' (v0.19)").version(), Some("0.19"));
        for none in ["", "\n", "usage: monerod", "Monero (v", "Monero (v-)"] {
            assert_eq!(Help::read(none).version(), None, "{none}");
        }
    }
}
