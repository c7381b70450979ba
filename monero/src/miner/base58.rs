//! Monero's base 58: blocks of eight bytes in eleven characters, so that nothing carries over.
//!
//! As in `src/common/base58.cpp` of monero.

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// How many characters stand for so many bytes.
const CHARACTERS: [usize; 9] = [0, 2, 3, 5, 6, 7, 9, 10, 11];

/// The most characters that are looked at; an integrated address has 106.
const MAX: usize = 128;

/// The bytes that `text` stands for; `None` if it is no base 58.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    for block in text.as_bytes().chunks(CHARACTERS[8]) {
        let size = CHARACTERS.iter().position(|count| *count == block.len())?;
        let mut value: u128 = 0;
        for character in block {
            let digit = ALPHABET.iter().position(|one| one == character)?;
            value = value * 58 + digit as u128;
        }
        if value >> (8 * size) != 0 {
            return None;
        }
        bytes.extend_from_slice(&value.to_be_bytes()[16 - size..]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // From monero's tests/unit_tests/base58.cpp.
        assert_eq!(decode("").unwrap(), b"");
        assert_eq!(decode("1z").unwrap(), [0x39]);
        assert_eq!(decode("5Q").unwrap(), [0xff]);
        assert_eq!(decode("11111111111").unwrap(), [0; 8]);
        assert_eq!(decode("jpXCZedGfVQ").unwrap(), [0xff; 8]);
        assert_eq!(decode("jpXCZedGfVR"), None, "more than eight bytes hold");
        assert_eq!(decode("5R"), None);
        assert_eq!(decode("1"), None, "no number of bytes has one character");
        assert_eq!(decode("10"), None, "no digit");
        assert_eq!(decode(&"1".repeat(MAX + 1)), None);
    }
}
