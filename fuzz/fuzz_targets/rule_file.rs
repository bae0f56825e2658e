//! A rule file, from its bytes to what its rules say of a few texts.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| emta_fuzz::rule_file::check(bytes));
