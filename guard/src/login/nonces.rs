//! Nonces of digest logins. Each is signed, so those that nobody used take no memory; of those that
//! somebody has logged in with it is remembered how far they are used, so no login serves twice.
#![deny(clippy::disallowed_methods)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng;
use sha2::Sha256;

/// How long a nonce is good: as long as a wallet's connection may be idle.
const GOOD: Duration = Duration::from_secs(1800);

/// So many nonces in use are remembered; the one that was used longest ago makes room, and its user gets
/// another one.
const IN_USE: usize = 256;

/// What a nonce is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may be used.
    Good,
    /// It was good, or this count of it is used up: another one is due.
    Stale,
    /// It is none of this port's.
    Foreign,
}

/// The nonces of a port.
#[derive(Debug)]
pub(crate) struct Nonces {
    secret: [u8; 32],
    begin: Option<Instant>,
    used: VecDeque<(String, u32)>,
    /// The highest time of a nonce whose use was forgotten: it and those before it are no longer good.
    forgotten: Option<u64>,
}

impl Nonces {
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        Self { secret, begin: None, used: VecDeque::new(), forgotten: None }
    }

    pub(crate) fn make<R: Rng>(&mut self, now: Instant, rng: &mut R) -> String {
        let mut salt = [0; 8];
        rng.fill_bytes(&mut salt);
        let body = format!("{:016x}{}", self.millis(now), hex::encode(salt));
        let signature = hex::encode(&self.sign(&body).finalize().into_bytes()[..16]);
        body + &signature
    }

    pub(crate) fn standing(&mut self, nonce: &str, count: u32, now: Instant) -> Standing {
        let Some(made) = self.made(nonce) else { return Standing::Foreign };
        let age = self.millis(now).saturating_sub(made);
        let last = self.used.iter().find(|(used, _)| used == nonce).map(|(_, last)| *last);
        let is_fresh = match last {
            Some(last) => count > last,
            None => self.forgotten.is_none_or(|forgotten| made > forgotten),
        };
        if is_fresh && count > 0 && u128::from(age) < GOOD.as_millis() {
            Standing::Good
        } else {
            Standing::Stale
        }
    }

    /// Somebody has logged in with it.
    pub(crate) fn use_up(&mut self, nonce: &str, count: u32) {
        self.used.retain(|(used, _)| used != nonce);
        self.used.push_back((nonce.to_owned(), count));
        if self.used.len() > IN_USE
            && let Some((oldest, _)) = self.used.pop_front()
        {
            self.forgotten = self.forgotten.max(self.made(&oldest));
        }
    }

    /// When it was made, if it was made here.
    fn made(&self, nonce: &str) -> Option<u64> {
        let (body, signature) = nonce.split_at_checked(32)?;
        let signature = hex::decode(signature).ok().filter(|signature| signature.len() == 16)?;
        self.sign(body).verify_truncated_left(&signature).ok()?;
        u64::from_str_radix(body.get(..16)?, 16).ok()
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    fn sign(&self, body: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("a key of any length");
        mac.update(body.as_bytes());
        mac
    }

    fn millis(&mut self, now: Instant) -> u64 {
        let begin = *self.begin.get_or_insert(now);
        u64::try_from(now.saturating_duration_since(begin).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs some time and chance")]
mod tests {
    use super::*;

    fn nonces() -> (Nonces, Instant) {
        (Nonces::new([7; 32]), Instant::now())
    }

    #[test]
    fn each_count_of_a_nonce_serves_once() {
        let (mut nonces, now) = nonces();
        let nonce = nonces.make(now, &mut rand::rng());
        assert_eq!(nonces.standing(&nonce, 1, now), Standing::Good);
        nonces.use_up(&nonce, 1);
        assert_eq!(nonces.standing(&nonce, 1, now), Standing::Stale);
        assert_eq!(nonces.standing(&nonce, 0, now), Standing::Stale);
        assert_eq!(nonces.standing(&nonce, 5, now), Standing::Good);
        nonces.use_up(&nonce, 5);
        assert_eq!(nonces.standing(&nonce, 4, now), Standing::Stale);
        assert_eq!(nonces.standing(&nonce, 6, now + GOOD), Standing::Stale, "half an hour later");
    }

    #[test]
    fn nobody_else_makes_nonces() {
        let (mut nonces, now) = nonces();
        let nonce = nonces.make(now, &mut rand::rng());
        let other = Nonces::new([8; 32]).make(now, &mut rand::rng());
        let longer = format!("{nonce}00");
        let empty = nonce[..32].to_owned();
        for foreign in ["", "x", &other, &longer, &empty, &nonce[1..], &"é".repeat(32)] {
            assert_eq!(nonces.standing(foreign, 1, now), Standing::Foreign, "{foreign}");
        }
    }

    #[test]
    fn what_is_forgotten_is_not_good_again() {
        let (mut nonces, begin) = nonces();
        let made: Vec<_> = (0..=IN_USE as u64)
            .map(|n| nonces.make(begin + Duration::from_millis(n), &mut rand::rng()))
            .collect();
        for nonce in &made {
            nonces.use_up(nonce, 1);
        }
        assert_eq!(nonces.used.len(), IN_USE);
        let now = begin + Duration::from_secs(1);
        assert_eq!(nonces.standing(&made[0], 1, now), Standing::Stale);
        assert_eq!(nonces.standing(&made[1], 2, now), Standing::Good);
    }
}
