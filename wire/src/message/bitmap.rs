//! Which fragments are held.

use std::fmt;

use super::MAX_FRAGMENTS;

/// One bit for each fragment of a message: set if it is held.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bitmap(Vec<u8>);

impl Bitmap {
    /// The most bytes that a bitmap has on the wire.
    pub const MAX_BYTES: usize = MAX_FRAGMENTS as usize / 8;

    /// Reads a bitmap: fragment 0 is the lowest bit of the first byte. More than
    /// [`MAX_BYTES`](Self::MAX_BYTES) are none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= Self::MAX_BYTES).then(|| {
            let mut bitmap = Self(bytes.to_vec());
            bitmap.trim();
            bitmap
        })
    }

    /// As it stands in a packet: no zero bytes at its end, and none at all if nothing is held.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Sets a bit; returns whether it was new. An index that no message has is ignored.
    pub fn insert(&mut self, index: u16) -> bool {
        if index >= MAX_FRAGMENTS || self.contains(index) {
            return false;
        }
        let (byte, bit) = Self::place(index);
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        self.0[byte] |= bit;
        true
    }

    /// Whether a bit is set.
    #[must_use]
    pub fn contains(&self, index: u16) -> bool {
        let (byte, bit) = Self::place(index);
        self.0.get(byte).is_some_and(|byte| byte & bit != 0)
    }

    /// How many bits are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// Whether no bit is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bits that are set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        (0..MAX_FRAGMENTS).filter(|index| self.contains(*index))
    }

    fn place(index: u16) -> (usize, u8) {
        (usize::from(index / 8), 1 << (index % 8))
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

impl fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_kept_and_counted() {
        let mut bitmap = Bitmap::default();
        assert!(bitmap.is_empty());
        assert!(bitmap.insert(0) && bitmap.insert(511) && bitmap.insert(9));
        assert!(!bitmap.insert(9), "set before");
        assert!(!bitmap.insert(512), "no message has so many");
        assert_eq!(bitmap.iter().collect::<Vec<_>>(), [0, 9, 511]);
        assert_eq!((bitmap.len(), bitmap.as_bytes().len()), (3, Bitmap::MAX_BYTES));
        assert!(!bitmap.contains(u16::MAX));
    }

    #[test]
    fn there_is_one_form_of_each() {
        assert_eq!(Bitmap::from_bytes(&[1, 0, 0]), Bitmap::from_bytes(&[1]));
        assert!(Bitmap::from_bytes(&[0; 64]).expect("short enough").is_empty());
        assert_eq!(Bitmap::from_bytes(&[0; 65]), None);
    }
}
