//! A message put together from parts that a stranger sends.

use std::collections::BTreeMap;

use mixbed_wire::message::{Fragments, Inserted, MAX_FRAGMENTS, MAX_MESSAGE};

use crate::Seed;
use crate::input::Input;

/// Whatever parts come in whatever order: the first of each is kept, others change nothing, and
/// the whole is the parts in their order. Checked against a plain map.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let count = input.u16() % (MAX_FRAGMENTS + 2);
    let Ok(mut fragments) = Fragments::new(count) else {
        return assert!(count == 0 || count > MAX_FRAGMENTS);
    };
    let mut expected = BTreeMap::new();
    while !input.is_empty() {
        let kind = input.byte();
        let index = if kind & 1 == 0 { input.byte().into() } else { input.u16() };
        let claimed = if kind & 0b1110 == 0b1110 { input.u16() } else { count };
        // One byte stands for many: a message's bytes are not what matters here.
        let part = vec![input.byte(); usize::from(input.u16()) % 4096];
        let good = claimed == count && index < count && !part.is_empty();
        let before = fragments.cost();
        match fragments.insert(index, claimed, &part) {
            Err(_) => assert!(!good && fragments.cost() == before),
            Ok(Inserted::Duplicate) => {
                assert!(good && expected.contains_key(&index) && fragments.cost() == before);
            }
            Ok(inserted) => {
                assert!(good && expected.insert(index, part).is_none());
                let complete = expected.len() == usize::from(count);
                assert_eq!(inserted == Inserted::Complete, complete);
            }
        }
    }
    let bytes: usize = expected.values().map(Vec::len).sum();
    assert_eq!(fragments.cost(), bytes + expected.len() * Fragments::OVERHEAD);
    assert_eq!(fragments.is_too_large(), bytes > MAX_MESSAGE);
    assert_eq!(fragments.is_complete(), expected.len() == usize::from(count));
    assert!(fragments.held().iter().eq(expected.keys().copied()));
    assert_eq!(fragments.join(), expected.into_values().flatten().collect::<Vec<_>>());
}

/// Parts in order, in disorder with copies, and of a message that has another number of them.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let part = |index: u8| [0, index, index, 0, 9];
    let script = |count: u8, parts: &[u8]| {
        let parts = parts.iter().flat_map(|index| part(*index));
        [0, count].into_iter().chain(parts).collect()
    };
    vec![
        ("order", script(3, &[0, 1, 2])),
        ("disorder", script(4, &[3, 1, 3, 0, 0, 2, 2])),
        ("beyond", script(2, &[0, 2, 1])),
        ("other", vec![0, 2, 14, 0, 0, 3, 1, 0, 9]),
        ("none", vec![0, 0]),
    ]
}
