//! What a wallet asks a daemon, as far as it may: which call it is, by which fields, and nothing else.
//!
//! A wallet's request is not passed on. It is read, judged by the list, and written anew: under one name
//! for each call, with the fields that the call has, in one order. So what was judged is what monerod reads,
//! and what tells one wallet from others (its key for paying daemons, older names, an id of its own) stays
//! with it. Both ends do this: a client, so that nothing else leaves it, and a provider, as it need not
//! believe clients.

mod epee;
mod judge;
pub mod list;
mod own_id;

pub use judge::{Call, Refusal, judge};
pub use own_id::LOOKED_AT;
