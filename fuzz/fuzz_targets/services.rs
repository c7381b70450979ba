//! See `mixbed_fuzz::services`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::services::run(data));
