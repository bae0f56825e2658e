//! The notation of an outcome.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| emta_fuzz::script::check(bytes));
