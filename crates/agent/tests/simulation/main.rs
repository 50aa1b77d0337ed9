//! One agent and one server in a bad world: datagrams are lost, doubled and reordered, the server restarts and forgets, the
//! device loses its power, between and within writes of its flash, clocks jump. Every run follows from its seed, which a
//! failing run prints.
//!
//! What must hold whatever happens: the agent ends registered, a Write is carried out whole or not at all and none that was
//! acknowledged is lost, not by a power cut either, no notification comes before `pmin` is over or after `pmax`, and their
//! numbers ascend.
//!
//! `DUNLIN_SEEDS` says how many worlds there are.

#![cfg(feature = "storage")]

#[allow(dead_code, reason = "other tests look into the flash")]
#[path = "../flash/mod.rs"]
mod flash;
mod server;
mod world;

use world::World;

/// Worlds in an ordinary run.
const SEEDS: u64 = 500;

#[test]
fn the_agent_ends_registered_and_no_rule_is_broken() {
    let seeds = std::env::var("DUNLIN_SEEDS").map_or(SEEDS, |text| {
        text.parse().expect("DUNLIN_SEEDS is a number of runs")
    });
    let mut registrations = 0;
    let mut writes = 0;
    let mut notifications = 0;
    let mut resumed = 0;
    for seed in 0..seeds {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            world.run();
            world.come_to_rest();
            (
                world.server.registrations,
                world.server.acknowledged,
                world.notifications,
                world.resumed,
            )
        });
        let Ok((more, written, told, gone_on)) = run else {
            panic!("seed {seed} fails");
        };
        registrations += more;
        writes += written;
        notifications += told;
        resumed += gone_on;
    }
    // The worlds are bad, but not so bad that nothing happens.
    assert!(registrations > 2 * seeds, "{registrations}");
    assert!(writes > 5 * seeds, "{writes}");
    assert!(notifications > 20 * seeds, "{notifications}");
    assert!(resumed > seeds / 2, "{resumed}");
}
