//! When to believe several directories that the clocks are too far apart.

#![deny(clippy::disallowed_methods)]

/// Directories are asked in turn. One that tells a time far from this machine's could stop the
/// follower; only a majority of them, one after the other, may do so.
#[derive(Debug)]
pub(super) struct Witnesses {
    majority: usize,
    in_a_row: usize,
}

impl Witnesses {
    pub(super) const fn of(directories: usize) -> Self {
        Self { majority: directories / 2 + 1, in_a_row: 0 }
    }

    /// Whether to go by the time that the directory asked now has told.
    pub(super) const fn confirm(&mut self, is_far_off: bool) -> bool {
        if !is_far_off {
            self.in_a_row = 0;
            return true;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.in_a_row >= self.majority
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_directory_is_believed_at_once() {
        let mut one = Witnesses::of(1);
        assert!(one.confirm(true));
        assert!(one.confirm(false));
    }

    #[test]
    fn one_of_three_stops_nobody_and_two_do() {
        let mut three = Witnesses::of(3);
        for _ in 0..10 {
            assert!(!three.confirm(true), "the liar, each time that it is asked");
            assert!(three.confirm(false), "the next one");
        }
        assert!(!three.confirm(true));
        assert!(three.confirm(true), "two of them say so: it is this machine's clock");
    }
}
