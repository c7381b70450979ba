//! See `mixbed_fuzz::sphinx`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::sphinx::run(data));
