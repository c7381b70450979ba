//! See `mixbed_fuzz::mailbox`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::mailbox::run(data));
