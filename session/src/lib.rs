//! Ordered byte streams over packets that are lost and reordered, answered by reply blocks.
