//! The program as its users meet it: arguments in, exit code, standard output and standard error out.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop where the tests would")]

mod bounce;
mod codes;
mod demo;
mod exit_codes;
mod help;
mod inmail;
mod live;
mod rules;
mod simulate;
mod support;
