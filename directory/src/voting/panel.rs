//! Who votes, how many of them it takes, and whose turn it is.

use crate::document::Trust;
use crate::identity::IdentityPublic;
use crate::limits::MAX_SIGNATURES;

/// The authorities of a network: an odd number, three or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// Ascending.
    keys: Vec<IdentityPublic>,
}

/// Keys that make no panel.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum PanelError {
    /// With an even number, one more authority may fail with no gain.
    #[error(
        "{0} directories make no quorum: it takes an odd number, 3 to {most}",
        most = Panel::MAX
    )]
    Size(usize),
    /// One authority has one vote.
    #[error("the key {0} is there twice: every directory has its own")]
    Twice(IdentityPublic),
}

impl Panel {
    /// As many as can sign a document.
    pub const MAX: usize = MAX_SIGNATURES - 1;

    /// The panel of these authorities, in any order.
    pub fn new(mut keys: Vec<IdentityPublic>) -> Result<Self, PanelError> {
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PanelError::Twice(pair[0]));
        }
        if !(3..=Self::MAX).contains(&keys.len()) || keys.len().is_multiple_of(2) {
            return Err(PanelError::Size(keys.len()));
        }
        Ok(Self { keys })
    }

    /// The authorities' keys, ascending.
    #[must_use]
    pub fn keys(&self) -> &[IdentityPublic] {
        &self.keys
    }

    /// Whether an authority is one of them.
    #[must_use]
    pub fn contains(&self, key: &IdentityPublic) -> bool {
        self.keys.binary_search(key).is_ok()
    }

    /// How many have to sign a document: a majority.
    #[must_use]
    pub fn threshold(&self) -> usize {
        self.keys.len() / 2 + 1
    }

    /// How many have to accept a proposal before it is certain that no other one of its revision is
    /// accepted by as many, whatever the network does: any two groups of this size share an
    /// authority that does not lie, even if as many lie as are no majority.
    #[must_use]
    pub fn certain(&self) -> usize {
        let liars = self.keys.len() - self.threshold();
        usize::midpoint(self.keys.len(), liars) + 1
    }

    /// Whose turn it is to propose the document of a revision.
    #[must_use]
    pub fn leader(&self, revision: u64) -> IdentityPublic {
        let turn = usize::try_from(revision % self.keys.len() as u64).unwrap_or(0);
        self.keys[turn]
    }

    /// What followers of this panel believe.
    #[must_use]
    pub fn trust(&self, network: &str) -> Trust {
        Trust::majority(network, self.keys.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(size: u8) -> Result<Panel, PanelError> {
        Panel::new((1..=size).map(|byte| IdentityPublic::from_bytes([byte; 32])).collect())
    }

    #[test]
    fn odd_numbers_from_three_on() {
        for size in [0, 1, 2, 4, 6, 32, 33] {
            assert_eq!(panel(size), Err(PanelError::Size(size.into())));
        }
        let key = IdentityPublic::from_bytes([7; 32]);
        assert_eq!(Panel::new(vec![key; 3]), Err(PanelError::Twice(key)));
        let numbers = |size| panel(size).map(|p| (p.threshold(), p.certain())).unwrap();
        assert_eq!([3, 5, 7, 9].map(numbers), [(2, 3), (3, 4), (4, 6), (5, 7)]);
    }

    #[test]
    fn two_certain_groups_share_an_honest_authority() {
        for size in (3..=31).step_by(2) {
            let panel = panel(size).unwrap();
            let (all, certain) = (usize::from(size), panel.certain());
            let liars = all - panel.threshold();
            assert!(certain <= all && 2 * certain - all > liars, "{size}");
        }
    }

    #[test]
    fn everybody_has_a_turn() {
        let panel = panel(3).unwrap();
        let turns: Vec<_> = (7..10).map(|revision| panel.leader(revision)).collect();
        assert!(panel.keys().iter().all(|key| turns.contains(key)));
        assert_eq!(panel.leader(u64::MAX), panel.leader(u64::MAX % 3));
    }
}
