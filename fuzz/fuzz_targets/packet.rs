//! See `mixbed_fuzz::packet`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::packet::run(data));
