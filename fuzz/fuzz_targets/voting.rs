//! See `mixbed_fuzz::voting`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::voting::run(data));
