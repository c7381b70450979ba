//! What is to happen, in its order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A moment of a run: nanoseconds since its start.
pub type Moment = u64;

/// Events by time; those of one moment in the order in which they were put down.
#[derive(Debug)]
pub struct Agenda<E> {
    heap: BinaryHeap<Reverse<Entry<E>>>,
    next: u64,
}

#[derive(Debug)]
struct Entry<E> {
    at: Moment,
    number: u64,
    event: E,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), next: 0 }
    }
}

impl<E> Agenda<E> {
    /// Puts an event down.
    pub fn add(&mut self, at: Moment, event: E) {
        self.heap.push(Reverse(Entry { at, number: self.next, event }));
        self.next += 1;
    }

    /// Takes the next event that happens at `end` at the latest.
    pub fn pop(&mut self, end: Moment) -> Option<(Moment, E)> {
        if self.heap.peek()?.0.at > end {
            return None;
        }
        self.heap.pop().map(|Reverse(Entry { at, event, .. })| (at, event))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<E> Eq for Entry<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_then_in_the_order_they_were_put_down() {
        let mut agenda = Agenda::default();
        for (at, event) in [(5, 'd'), (1, 'a'), (5, 'e'), (3, 'b'), (3, 'c')] {
            agenda.add(at, event);
        }
        let mut order = String::new();
        while let Some((_, event)) = agenda.pop(4) {
            order.push(event);
        }
        assert_eq!(order, "abc");
        while let Some((at, event)) = agenda.pop(Moment::MAX) {
            assert_eq!(at, 5);
            order.push(event);
        }
        assert_eq!(order, "abcde");
    }
}
