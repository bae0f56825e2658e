//! Peak memory on the largest mails that are read.

use std::fs;
use std::hint::black_box;
use std::process::Command;

use emta_mail::inbound::{self, MAX_MAIL};
use emta_sandbox::clock::wall::Stopwatch;

use crate::{Failure, row};

/// Asks this program for the peak of one mail.
pub(crate) const FLAG: &str = "--memory-of";

/// A mail by what fills it.
struct Shape {
    name: &'static str,
    /// What stands before the filling, with line ends of its own.
    head: &'static str,
    filling: &'static str,
}

const SHAPES: [Shape; 4] = [
    Shape {
        name: "text",
        head: "From: MAILER-DAEMON@mx.example\nTo: bounces@news.example\nSubject: Undelivered Mail\n\n",
        filling: "550 5.1.1 <ann@example.com>: recipient rejected, one line of very many\n",
    },
    Shape {
        name: "text with CRLF",
        head: "From: MAILER-DAEMON@mx.example\r\nTo: bounces@news.example\r\nSubject: Undelivered Mail\r\n\r\n",
        filling: "550 5.1.1 <ann@example.com>: recipient rejected, one line of very many\r\n",
    },
    Shape {
        name: "base64 text",
        head: "From: a@example.com\nTo: b@example.com\nContent-Type: text/html; charset=utf-16\n\
               Content-Transfer-Encoding: base64\n\n",
        filling: "PABwAD4ASABlAGwAbABvACAAdwBvAHIAbABkADwALwBwAD4ACgA8AHAAPgBIAGUA\n",
    },
    Shape {
        name: "returned message",
        head: "From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; boundary=b\n\n\
               --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n\
               Final-Recipient: rfc822; ann@example.com\nAction: failed\nStatus: 5.1.1\n\n\
               --b\nContent-Type: message/rfc822\n\nFrom: bounces@news.example\nTo: ann@example.com\n\n",
        filling: "A line of the message that is returned, which nobody needs to look at.\n",
    },
];

/// Prints the peak for each shape.
pub(crate) fn report() -> Result<(), Failure> {
    for shape in SHAPES {
        let output = Command::new(std::env::current_exe()?).args([FLAG, shape.name]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
        }
        let what = format!("peak memory, {} MiB: {}", MAX_MAIL >> 20, shape.name);
        row(&what, String::from_utf8_lossy(&output.stdout).trim());
    }
    Ok(())
}

/// Reads one mail of the largest size and prints the peak of this process.
///
/// # Errors
/// When there is no such shape, or the system does not tell the peak.
pub(crate) fn measure(shape: &str) -> Result<(), Failure> {
    let shape = SHAPES.into_iter().find(|known| known.name == shape).ok_or("expected the name of a shape")?;
    let mut mail = String::with_capacity(MAX_MAIL);
    mail.push_str(shape.head);
    while mail.len() + shape.filling.len() <= MAX_MAIL {
        mail.push_str(shape.filling);
    }
    let watch = Stopwatch::start();
    let read = black_box(inbound::read(mail.as_bytes()));
    let took = watch.elapsed();
    let peak = peak_kib()?;
    let times = peak as f64 * 1024.0 / mail.len() as f64;
    println!(
        "{} MiB, {times:.1} times the mail; {} ms, {} recipients",
        peak >> 10,
        took.as_millis(),
        read.recipients.len()
    );
    Ok(())
}

/// VmHWM of this process, in KiB: the largest resident set so far (proc(5)).
fn peak_kib() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    Ok(value.ok_or("expected `VmHWM` in /proc/self/status")?.trim().parse()?)
}
