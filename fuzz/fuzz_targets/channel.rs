//! See `mixbed_fuzz::channel`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::channel::run(data));
