//! Of the core, in virtual time.
