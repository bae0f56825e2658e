//! The program as its users meet it: arguments in, exit code, standard output and standard error out.

mod demo;
mod exit_codes;
mod help;
mod inmail;
mod live;
mod support;
