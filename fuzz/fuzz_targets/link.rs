//! See `mixbed_fuzz::link`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::link::run(data));
