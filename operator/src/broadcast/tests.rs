//! Of a Broadcast's objects, steps and status.
