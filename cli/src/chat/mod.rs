//! `mixbed chat`: a conversation on a terminal, or in a pipe.

mod input;
mod plain;
mod talk;
mod view;

pub(crate) use plain::plain;
pub(crate) use talk::{Manner, Talk};
pub(crate) use view::clock;
