//! Addresses that stand for names, for programs that look a name up before they connect.
//!
//! torsocks and others ask by RESOLVE and connect to the address that they hear. To look the name
//! up here would tell a name server what the user does; to have a provider do so would cost a round
//! trip and the choice of provider. So each name gets an address that is made up, and CONNECT to
//! that address is CONNECT to the name, which a provider looks up as always.

#![deny(clippy::disallowed_methods)]

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

/// Names at a time. With 255 bytes each, kept twice, and the maps around them: 2.5 MiB.
pub(super) const NAMES: usize = 4096;

/// 198.18.0.0/15, which is set aside for measurements between two machines (RFC 2544) and is
/// nobody's on any network. torsocks refuses to connect to loopback's addresses, and private ones
/// may be targets.
const FIRST: u32 = u32::from_be_bytes([198, 18, 0, 0]);
const COUNT: u32 = 1 << 17;

/// What an address is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// One that was made up, for this name.
    Name(String),
    /// One that could be made up, and stands for no name, or not any more.
    Forgotten,
    /// Somebody's.
    Real,
}

/// The names, each with its address. The one that was used least recently makes room for another.
#[derive(Debug, Default)]
pub(super) struct Names {
    addresses: HashMap<String, u32>,
    by_address: HashMap<u32, Named>,
    /// By when they were used last.
    used: BTreeMap<u64, u32>,
    uses: u64,
    /// The address that is given next. All others are given before one is given again, so a program
    /// that keeps an old one is refused rather than connected elsewhere.
    next: u32,
}

#[derive(Debug)]
struct Named {
    name: String,
    used: u64,
}

impl Names {
    /// The address for a name; names are the same whatever their case.
    pub(super) fn address(&mut self, name: &str) -> Ipv4Addr {
        let name = name.to_ascii_lowercase();
        let offset = match self.addresses.get(&name) {
            Some(offset) => *offset,
            None => self.add(name),
        };
        self.touch(offset);
        Ipv4Addr::from(FIRST + offset)
    }

    /// What an address stands for.
    pub(super) fn meaning(&mut self, ip: IpAddr) -> Meaning {
        let IpAddr::V4(ip) = ip.to_canonical() else { return Meaning::Real };
        let Some(offset) = u32::from(ip).checked_sub(FIRST).filter(|offset| *offset < COUNT) else {
            return Meaning::Real;
        };
        let Some(named) = self.by_address.get(&offset) else { return Meaning::Forgotten };
        let name = named.name.clone();
        self.touch(offset);
        Meaning::Name(name)
    }

    fn add(&mut self, name: String) -> u32 {
        if self.by_address.len() >= NAMES
            && let Some((_, oldest)) = self.used.pop_first()
            && let Some(named) = self.by_address.remove(&oldest)
        {
            self.addresses.remove(&named.name);
        }
        // There are more addresses than names. The first one of the range is left out.
        let mut offset = self.next;
        while offset == 0 || self.by_address.contains_key(&offset) {
            offset = (offset + 1) % COUNT;
        }
        self.next = (offset + 1) % COUNT;
        self.uses += 1;
        self.used.insert(self.uses, offset);
        self.addresses.insert(name.clone(), offset);
        self.by_address.insert(offset, Named { name, used: self.uses });
        offset
    }

    fn touch(&mut self, offset: u32) {
        let Some(named) = self.by_address.get_mut(&offset) else { return };
        self.used.remove(&named.used);
        self.uses += 1;
        named.used = self.uses;
        self.used.insert(self.uses, offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_means_the_name_that_it_was_made_up_for() {
        let mut names = Names::default();
        let (a, b) = (names.address("monerod.mixbed"), names.address("b.example"));
        assert_ne!(a, b);
        assert_eq!(names.address("Monerod.Mixbed"), a, "the same name");
        assert_eq!(names.meaning(a.into()), Meaning::Name("monerod.mixbed".to_owned()));
        assert_eq!(names.meaning(a.to_ipv6_mapped().into()), names.meaning(a.into()));
        assert!(!a.is_loopback() && !a.is_private() && !a.is_unspecified(), "{a}");
    }

    #[test]
    fn what_was_not_made_up_means_itself_or_nothing() {
        let mut names = Names::default();
        names.address("a");
        for ip in ["198.18.0.0", "198.18.0.2", "198.19.255.255", "::ffff:198.18.7.7"] {
            assert_eq!(names.meaning(ip.parse().unwrap()), Meaning::Forgotten, "{ip}");
        }
        for ip in ["198.17.255.255", "198.20.0.0", "127.0.0.1", "10.0.0.1", "::1", "0.0.0.0"] {
            assert_eq!(names.meaning(ip.parse().unwrap()), Meaning::Real, "{ip}");
        }
    }

    #[test]
    fn names_are_bounded_and_the_one_used_least_recently_makes_room() {
        let mut names = Names::default();
        let name = |number: usize| format!("n{number}.example");
        let first = names.address(&name(0));
        let second = names.address(&name(1));
        for number in 2..NAMES {
            names.address(&name(number));
        }
        assert_eq!(names.meaning(first.into()), Meaning::Name(name(0)), "used again");
        names.address(&name(NAMES));
        assert_eq!(names.meaning(second.into()), Meaning::Forgotten);
        assert_eq!(names.meaning(first.into()), Meaning::Name(name(0)));
        for number in 0..3 * usize::try_from(COUNT).unwrap() {
            names.address(&format!("m{number}"));
            assert!(names.meaning(first.into()) == Meaning::Name(name(0)), "kept by use: {number}");
        }
        let sizes = [names.addresses.len(), names.by_address.len(), names.used.len()];
        assert_eq!(sizes, [NAMES; 3]);
    }

    #[test]
    fn an_address_is_not_given_again_before_all_others() {
        let mut names = Names::default();
        let first = names.address("first");
        // As many others as there are addresses, but for its own and the one that is left out.
        for number in 0..COUNT - 2 {
            assert_ne!(names.address(&number.to_string()), first);
        }
        assert_eq!(names.meaning(first.into()), Meaning::Forgotten);
        assert_eq!(names.address("again"), first);
    }
}
