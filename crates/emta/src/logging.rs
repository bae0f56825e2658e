//! Diagnostics on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging: `EMTA_LOG` decides what, or else how often `-v` was given; warnings by default.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let wanted = std::env::var("EMTA_LOG").ok().filter(|wanted| verbose == 0 && !wanted.is_empty());
    let filter = match wanted {
        Some(wanted) => EnvFilter::try_new(&wanted).unwrap_or_else(|error| {
            crate::output::warn(format_args!(
                "EMTA_LOG: `{wanted}` is not understood: {error}; warnings are logged"
            ));
            EnvFilter::new(level)
        }),
        None => EnvFilter::new(level),
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Nobody reads there any more: no reason to end.
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && !no_color)
        .init();
}
