//! See `mixbed_fuzz::letter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::letter::run(data));
