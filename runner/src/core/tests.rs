//! Of the rules, in virtual time.
