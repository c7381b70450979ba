//! The client's core and the provider's against each other, in virtual time: every loss, delay and
//! order is drawn from a seed, which is printed when a test fails.

mod cover;
mod expected;
mod hostile;
mod ks;
mod loops;
mod lossy;
mod pair;
mod plain;
mod routed;
mod routes;
mod rules;
mod schedules;
mod sphinx;
