//! See `mixbed_fuzz::session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::session::run(data));
