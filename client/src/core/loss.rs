//! How many packets are lost, and how many to send at a time because of it.

/// The share of round trips that are lost, and what it takes to get through all the same.
///
/// # Arithmetic
///
/// A packet and its answer cross ten links. When each link loses a share *p*, one way is
/// good with (1 - *p*)⁵ and both with *s* = (1 - *p*)¹⁰:
///
/// | *p* | 0 | 1 % | 5 % | 20 % | 30 % | 50 % |
/// |---|---|---|---|---|---|---|
/// | one way | 1 | 0.95 | 0.77 | 0.33 | 0.17 | 0.031 |
/// | both, *s* | 1 | 0.90 | 0.60 | 0.107 | 0.028 | 0.001 |
///
/// With *n* copies of a packet under way at a time, each on its own route, and a lost one replaced
/// by a new one, there are *n* tries in each time *T* that a packet is waited for: its delays
/// (0.45 s on average with the default of 50 ms: eight hops and the provider) and its margin (twice the least from
/// the second try on: 1 s; before anything was measured 2 s). After *t* seconds nothing has come
/// back with (1 - *s*)^(*n* *t* / *T*). With *T* = 1.9 s and the most copies, six:
///
/// - At 20 % the median is 6.1 tries, and one message in 1,000 takes 61: 20 s. After the default
///   deadline of 60 s, 189 tries, one in 10⁹ has failed; with one copy at a time, one in 35.
/// - At 30 % one in 200 fails within 60 s, and one in 40,000 within 120 s: that is the deadline
///   to give.
/// - At 50 % a round trip takes 1,000 tries. A minute is enough for one message in six; for all
///   but one in 1,000 the deadline must be 40 minutes.
///
/// These are the worst numbers: a provider that has the request is asked with six reply blocks a
/// packet, of which one is enough. Measured in virtual time (`tests/cores/routes.rs`), for messages
/// of one packet, the median and the longest of 300:
///
/// | *p* | 0 | 1 % | 5 % | 20 % | 30 % | 50 % |
/// |---|---|---|---|---|---|---|
/// | median | 0.4 s | 0.5 s | 0.6 s | 4 s | 9 s | 5 min |
/// | longest | 1 s | 2 s | 5 s | 15 s | 35 s | 10 min |
///
/// # Not a remedy for load
///
/// What a full network drops is lost too, and copies make it fuller. So a piece gets its second
/// copy only after a loss of its own, or while most packets are lost; there are never more than
/// six; none is made while half of the client's window is in use; and a message of many pieces
/// shares its window among them before any gets a copy.
#[derive(Clone, Debug)]
pub struct Loss {
    share: f64,
}

/// How much one packet counts: the last eight or so make the measure.
const GAIN: f64 = 1.0 / 8.0;

/// More than this is no chance, but a way that nothing passes: with it 700 packets in a row say so.
const MOST_LOST: f64 = 0.99;

impl Default for Loss {
    fn default() -> Self {
        Self { share: 0.0 }
    }
}

impl Loss {
    /// The most copies of a piece under way at a time.
    pub const MOST_COPIES: u32 = 6;

    /// A packet was answered.
    pub fn handle_answered(&mut self) {
        self.share -= self.share * GAIN;
    }

    /// A packet was not answered in time.
    pub fn handle_lost(&mut self) {
        self.share += (1.0 - self.share) * GAIN;
    }

    /// The share of the last packets that were lost, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Whether so much is lost that each packet should bring as many reply blocks as it can.
    #[must_use]
    pub fn is_high(&self) -> bool {
        self.share > 0.5
    }

    /// How many copies of a piece are to be under way of which `lost` were lost so far: so many
    /// that one of them is likelier than not to be answered, and one more than were lost.
    #[must_use]
    pub fn copies(&self, lost: u32) -> u32 {
        let wanted = if self.is_high() { 0.5_f64.ln() / self.share.ln() } else { 1.0 };
        let most = f64::from(Self::MOST_COPIES);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and MOST_COPIES"
        )]
        let wanted = wanted.ceil().clamp(1.0, most) as u32;
        wanted.max(lost.saturating_add(1)).min(Self::MOST_COPIES)
    }

    /// How many packets in a row may be lost by chance, with nothing coming back, one time in
    /// 1,000.
    #[must_use]
    pub fn longest_run(&self) -> f64 {
        if self.share > 0.0 { 0.001_f64.ln() / self.share.min(MOST_LOST).ln() } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_follow_what_is_lost() {
        let mut loss = Loss::default();
        assert_eq!((loss.copies(0), loss.copies(1), loss.copies(99)), (1, 2, Loss::MOST_COPIES));
        for _ in 0..4 {
            loss.handle_lost();
        }
        assert!(!loss.is_high() && loss.copies(0) == 1, "{loss:?}");
        for _ in 0..50 {
            loss.handle_lost();
        }
        assert!(loss.is_high());
        assert_eq!(loss.copies(0), Loss::MOST_COPIES);
        assert!(loss.longest_run() > 100.0);
        for _ in 0..20 {
            loss.handle_answered();
        }
        assert_eq!(loss.copies(0), 1);
        assert!(loss.longest_run() < 4.0, "{}", loss.longest_run());
    }
}
