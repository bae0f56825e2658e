//! Reports with well formed recipients among fields of any kind.

#![no_main]

libfuzzer_sys::fuzz_target!(|report: emta_fuzz::dsn_fields::Report| emta_fuzz::dsn_fields::check(&report));
