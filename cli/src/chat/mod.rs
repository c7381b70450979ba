//! `mixbed chat`: a conversation on a terminal, or in a pipe.

mod input;
mod plain;
mod talk;
mod view;
mod whom;

pub(crate) use plain::plain;
pub(crate) use talk::{Manner, Talk};
pub(crate) use view::clock;
pub(crate) use whom::check_whom;
