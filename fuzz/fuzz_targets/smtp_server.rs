//! What an SMTP client sends, whole and in pieces.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| emta_fuzz::smtp_server::check(bytes));
