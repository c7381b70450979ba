//! See `mixbed_fuzz::document`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::document::run(data));
