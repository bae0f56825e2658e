//! Load for the benches of `scripts/`: a source of mail, a sink for mail and a receiver of webhooks, each of which says
//! in one line of JSON what it saw.
//!
//! Postfix's `smtp-source` and `smtp-sink` are the load wherever they can be; they speak neither TLS nor PIPELINING, keep
//! to no rate and measure no latency, so these do. On loopback, like all else here.

mod hook;
mod sink;
mod source;
mod stream;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "\
usage: bench_load source ADDRESS [sessions=20] [messages=10000] [size=4096] [rate=0] [tls=no] [domain=load.test]
       bench_load sink [tls=no] [address=127.0.0.1:0]
       bench_load hook [delay-ms=0]

source  sends mail; rate: messages a second, 0 for as fast as it goes
sink    takes all mail until its standard input is closed
hook    takes webhooks until its standard input is closed; answers after the delay";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, words): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| argument.contains('='));
    let options = Options(options.into_iter().map(String::as_str).collect());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match words.as_slice() {
        [command, address] if *command == "source" => {
            runtime.block_on(source::run(address.parse()?, &source::Settings::read(&options)?))
        }
        [command] if *command == "sink" => {
            let address = options.get("address", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
            runtime.block_on(sink::run(address, options.get("tls", Switch::No)?))
        }
        [command] if *command == "hook" => runtime.block_on(hook::run(options.get("delay-ms", 0)?)),
        _ => Err(USAGE.into()),
    }
}

/// `name=value` arguments.
struct Options<'a>(Vec<&'a str>);

impl Options<'_> {
    fn get<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, Failure> {
        let found = self.0.iter().filter_map(|option| option.split_once('=')).find(|(key, _)| *key == name);
        match found {
            None => Ok(default),
            Some((_, value)) => {
                value.parse().map_err(|_| format!("{name}: `{value}` is not understood").into())
            }
        }
    }
}

/// `yes` or `no`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Switch {
    Yes,
    No,
}

impl std::str::FromStr for Switch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "yes" => Ok(Self::Yes),
            "no" => Ok(Self::No),
            _ => Err(()),
        }
    }
}

/// Ends when standard input does.
async fn end_of_input() {
    // A thread of its own: reading standard input cannot be called off.
    let (done, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = done.send(());
    });
    let _ = ended.await;
}
