//! See `mixbed_fuzz::reply_block`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixbed_fuzz::reply_block::run(data));
