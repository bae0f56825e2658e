//! A mail, or a file of many, from its bytes to everything that is reported of it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| emta_fuzz::mail::check(bytes));
