//! See `mixbed_fuzz::request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::request::run(data));
