//! How long answers are likely to be.

use std::collections::HashMap;

use mixbed_wire::message::MAX_MESSAGE;

/// The most calls whose answers are remembered: a wallet makes about 20 different ones.
const MOST: usize = 64;

/// How long a stock wallet's answers are taken to be before any was seen, in bytes: a guess, from
/// monerod 0.18 on a chain of some hundred blocks. A guess that is too low costs a round trip, one that is too high
/// a packet for each 16 kB.
const FIRST: &[(&str, usize)] =
    &[("/get_blocks.bin", 40_000), ("/get_hashes.bin", 16_000), ("/get_transactions", 8_000)];

/// Calls whose answer has a piece for each piece of the question: what it has for a byte of the
/// question, before any was seen, in hundredths.
const SCALING: &[(&str, usize)] = &[
    ("/get_outs.bin", 800),
    ("/get_o_indexes.bin", 100),
    ("/is_key_image_spent", 100),
    ("/get_blocks_by_height.bin", 5_000),
];

/// The last answer to each call, by the call's name.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    last: HashMap<String, Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    question: usize,
    answer: usize,
}

impl Sizes {
    /// How long the answer to a call with a body of so many bytes is likely to be.
    pub(super) fn expected(&self, call: &str, question: usize) -> usize {
        let scaling = SCALING.iter().find(|(name, _)| *name == call);
        let likely = match (self.last.get(call), scaling) {
            (Some(last), Some(_)) => scale(last.answer, question, last.question),
            (Some(last), None) => last.answer,
            (None, Some((_, hundredths))) => scale(*hundredths, question, 100),
            (None, None) => {
                FIRST.iter().find(|(name, _)| *name == call).map_or(0, |(_, size)| *size)
            }
        };
        // The next one may be a little longer.
        let likely = likely.min(MAX_MESSAGE);
        (likely + likely / 16).min(MAX_MESSAGE)
    }

    /// Whether no message carried the last answer to a call.
    pub(super) fn was_long(&self, call: &str) -> bool {
        self.last.get(call).is_some_and(|last| last.answer >= MAX_MESSAGE)
    }

    /// An answer came.
    pub(super) fn learn(&mut self, call: &str, question: usize, answer: usize) {
        if let Some(last) = self.last.get_mut(call) {
            *last = Last { question, answer };
        } else if self.last.len() < MOST {
            self.last.insert(call.to_owned(), Last { question, answer });
        }
    }
}

fn scale(size: usize, by: usize, over: usize) -> usize {
    size.saturating_mul(by) / over.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_answer_is_expected_to_be_like_the_last() {
        let mut sizes = Sizes::default();
        assert_eq!(sizes.expected("/get_info", 10), 0);
        sizes.learn("/get_info", 10, 1600);
        assert_eq!(sizes.expected("/get_info", 500), 1700);
        sizes.learn("/get_info", 10, 160);
        assert_eq!(sizes.expected("/get_info", 10), 170);
        assert!(sizes.expected("/get_blocks.bin", 50) > 30_000, "a guess");
        sizes.learn("/get_blocks.bin", 50, 320);
        assert_eq!(sizes.expected("/get_blocks.bin", 50), 340);
    }

    #[test]
    fn answers_with_a_piece_a_piece_grow_with_the_question() {
        let mut sizes = Sizes::default();
        let first = sizes.expected("/get_outs.bin", 1000);
        assert!((8000..9000).contains(&first), "{first}");
        sizes.learn("/get_outs.bin", 1000, 16_000);
        assert_eq!(sizes.expected("/get_outs.bin", 2000), 34_000);
        sizes.learn("/get_outs.bin", 0, 16_000);
        assert_eq!(sizes.expected("/get_outs.bin", usize::MAX), MAX_MESSAGE, "and no further");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut sizes = Sizes::default();
        for n in 0..10_000 {
            sizes.learn(&format!("/{n}"), 1, 1);
        }
        assert_eq!(sizes.last.len(), MOST);
    }
}
