//! Streams without packets: two ends that hand each other frames.
