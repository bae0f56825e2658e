//! Foreign programs: Python and swaks.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// Runs a Python script with arguments; what it prints. `None`, with a word about it, where there is no Python.
///
/// Waits in place: call it through `tokio::task::spawn_blocking` or on a runtime with several threads.
///
/// # Panics
/// When the script fails.
pub fn python(script: &str, arguments: &[&str]) -> Option<String> {
    run("python3", &[&["-"], arguments].concat(), script)
}

/// Runs `swaks`; what it prints. `None`, with a word about it, where it is not installed.
///
/// # Panics
/// When it fails.
pub fn swaks(arguments: &[&str]) -> Option<String> {
    run("swaks", arguments, "")
}

fn run(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("SKIPPED: `{program}` is not installed");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).expect("a program that reads");
    }
    let output = child.wait_with_output().expect("a program that ends");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{out}\n{err}", output.status);
    Some(out.into_owned())
}
