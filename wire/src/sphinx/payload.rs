//! What the layers of the payload cover.

use super::SECURITY;
use super::secrets::{PayloadSeed, payload_cipher};

/// A payload, where it stands in a packet.
pub(crate) struct Payload<'a>(pub(crate) &'a mut [u8]);

impl<'a> Payload<'a> {
    /// Writes the plaintext, which has to fit: zeros by which the end knows that nothing was changed,
    /// the plaintext, a one, and zeros.
    pub(crate) fn write(&mut self, plaintext: &[u8]) {
        self.0.fill(0);
        let (_, rest) = self.0.split_at_mut(SECURITY);
        rest[..plaintext.len()].copy_from_slice(plaintext);
        rest[plaintext.len()] = 1;
    }

    /// The plaintext, if the zeros before it are whole. It ends before the last one there is.
    pub(crate) fn read(self) -> Option<&'a [u8]> {
        let (zeros, rest) = self.0.split_at_checked(SECURITY)?;
        let whole = zeros.iter().fold(0, |all, byte| all | byte) == 0;
        let end = rest.iter().rposition(|byte| *byte == 1)?;
        whole.then(|| &rest[..end])
    }

    /// Puts the layer of a hop on.
    pub(crate) fn add_layer(&mut self, seed: &PayloadSeed) {
        payload_cipher(seed).encrypt(self.0);
    }

    /// Takes the layer of a hop off.
    pub(crate) fn take_layer(&mut self, seed: &PayloadSeed) {
        payload_cipher(seed).decrypt(self.0);
    }

    /// Takes off what a reply's way has put on, where every hop has taken a layer off: the way back
    /// through all hops, and then the one layer that the replier put on with the last hop's seed.
    pub(crate) fn take_way(&mut self, seeds: &[PayloadSeed; super::HOPS]) {
        for seed in seeds.iter().rev() {
            self.add_layer(seed);
        }
        if let Some(last) = seeds.last() {
            self.take_layer(last);
        }
    }
}
