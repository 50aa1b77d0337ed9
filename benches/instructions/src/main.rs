//! What `cargo xtask instructions` runs under callgrind.
//!
//! Without arguments it prints a line for each case: its name and its goal, or `-`. With a name and a number it runs
//! the case that often. A case does its work inside [`measured`], the only function whose instructions are counted;
//! what it needs is prepared outside.

#[path = "../../messages/mod.rs"]
mod messages;

#[cfg(feature = "dtls")]
#[path = "../../handshakes/mod.rs"]
#[expect(dead_code, reason = "benches/dtls.rs measures more of it")]
mod handshakes;

#[cfg(feature = "dtls")]
#[path = "../../dtls_peers/raw.rs"]
mod raw;

mod coap;
mod codec;
#[cfg(feature = "dtls")]
mod dtls;
mod exchange;

use std::env;

/// One thing that is counted.
struct Case {
    /// Named like the benchmark of the same work: `coap/parse/get`.
    name: &'static str,
    /// How many instructions it is to need at most.
    goal: Option<u32>,
    /// Does it so many times.
    run: fn(u32),
}

/// Every case: a module for each group; none that needs the messages where they are absent.
fn cases() -> impl Iterator<Item = &'static Case> {
    let with_messages: [&[Case]; 3] = if messages::cases().is_empty() {
        [&[]; 3]
    } else {
        [coap::CASES, exchange::CASES, codec::CASES]
    };
    #[cfg(feature = "dtls")]
    let with_messages = with_messages.into_iter().chain([dtls::CASES]);
    with_messages.into_iter().flatten()
}

/// Counts what `work` needs. Callgrind knows this function by its name.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    work()
}

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &arguments[..] {
        [] => {
            for case in cases() {
                let goal = case
                    .goal
                    .map_or_else(|| "-".to_owned(), |goal| goal.to_string());
                println!("{} {goal}", case.name);
            }
        }
        [name, times] => {
            let case = cases()
                .find(|case| case.name == name)
                .expect("a name from the list");
            (case.run)(times.parse().expect("a number"));
        }
        _ => panic!("no arguments, or a name and a number"),
    }
}
