//! See `mixbed_fuzz::fragment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::fragment::run(data));
