//! Whole fleets in one thread: agents and a manager's shard, over a network in memory that loses, doubles and reorders,
//! by a clock that is only a number. Every run follows from its seed, which a failing run prints.

mod fleet;

use dunlin_manager::{Action, CommandError, OwnedValue};
use dunlin_model::{Attributes, Path};
use dunlin_testkit::Conditions;
use fleet::{Fleet, MINUTE};

fn path(text: &str) -> Path {
    text.parse().unwrap()
}

/// Runs `scene` once for each seed, and says which one failed.
fn for_seeds(seeds: core::ops::Range<u64>, scene: impl Fn(u64)) {
    for seed in seeds {
        let run = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| scene(seed)));
        assert!(run.is_ok(), "seed {seed} fails");
    }
}

#[test]
fn every_device_registers_although_the_network_is_rough() {
    for_seeds(0..8, |seed| {
        let mut fleet = Fleet::new(seed, 60, Conditions::ROUGH);
        fleet.run_until("all are registered", 20 * MINUTE, |fleet| {
            fleet.registered() == 60
        });
        // Nobody is registered twice, and both sides agree on who is.
        assert!(fleet.agents_registered() <= 60);
        fleet.set_conditions(Conditions::PERFECT);
        fleet.run_until("the agents know it too", 20 * MINUTE, |fleet| {
            fleet.agents_registered() == 60
        });
    });
}

#[test]
fn every_command_ends_exactly_once_on_a_rough_network() {
    for_seeds(0..8, |seed| {
        let mut fleet = Fleet::new(seed, 20, Conditions::ROUGH);
        fleet.run_until("all are registered", 20 * MINUTE, |fleet| {
            fleet.agents_registered() == 20
        });
        let mut commands = Vec::new();
        for device in 0..20 {
            commands.push(fleet.command(device, Action::Read { path: path("/3/0") }));
            commands.push(fleet.command(
                device,
                Action::Read {
                    path: path("/3303/0/5700"),
                },
            ));
            commands.push(fleet.command(device, Action::Discover { path: path("/3") }));
            commands.push(fleet.command(
                device,
                Action::Read {
                    path: path("/9/9/9"),
                },
            ));
        }
        fleet.run_until("all have ended", 20 * MINUTE, |fleet| {
            fleet.completed.len() == commands.len()
        });
        fleet.run_for(10 * MINUTE);
        assert_eq!(fleet.completed.len(), commands.len(), "none ends twice");
        let mut timed_out = 0;
        for (index, command) in commands.iter().enumerate() {
            match &fleet.completed[command] {
                Ok(_) => assert_ne!(index % 4, 3, "there is no /9/9/9"),
                Err(CommandError::Refused { .. }) => {
                    assert_eq!(index % 4, 3, "only /9/9/9 is refused");
                }
                Err(_) => timed_out += 1,
            }
        }
        // Five transmissions, each lost one way or the other in 36 of 100 cases: 6 in 1,000 fail.
        assert!(timed_out <= 8, "{timed_out} of 80 commands timed out");
    });
}

#[test]
fn the_last_value_arrives_in_the_end_although_notifications_are_lost() {
    for_seeds(0..8, |seed| {
        let mut fleet = Fleet::new(seed, 10, Conditions::ROUGH);
        fleet.run_until("all are registered", 20 * MINUTE, |fleet| {
            fleet.agents_registered() == 10
        });
        let attributes = Attributes {
            pmin: Some(1),
            pmax: Some(60),
            ..Attributes::NONE
        };
        for device in 0..10 {
            fleet.observe(device, path("/3303/0/5700"), attributes);
        }
        for step in 1..=50_u32 {
            for device in 0..10 {
                fleet.measure(device, f64::from(step) / 2.0);
            }
            fleet.run_for(700);
        }
        // pmax repeats what was lost.
        fleet.run_until("all show the last value", 20 * MINUTE, |fleet| {
            (0..10).all(|device| {
                fleet.known(device, path("/3303/0/5700")) == Some(OwnedValue::Float(25.0))
            })
        });
    });
}

#[test]
fn devices_stay_usable_after_a_crash_of_the_manager_without_registering_again() {
    for_seeds(0..8, |seed| {
        let mut fleet = Fleet::new(seed, 10, Conditions::PERFECT);
        fleet.run_until("all are registered", MINUTE, |fleet| {
            fleet.agents_registered() == 10
        });
        for device in 0..10 {
            fleet.observe(device, path("/3303/0/5700"), Attributes::NONE);
        }
        let registrations = fleet.registrations_heard;

        fleet.crash();
        fleet.run_for(1000);
        fleet.restart();

        for device in 0..10 {
            fleet.measure(device, 77.5);
        }
        fleet.run_until("observations deliver", MINUTE, |fleet| {
            (0..10).all(|device| {
                fleet.known(device, path("/3303/0/5700")) == Some(OwnedValue::Float(77.5))
            })
        });
        let commands: Vec<_> = (0..10)
            .map(|device| {
                fleet.command(
                    device,
                    Action::Read {
                        path: path("/3/0/0"),
                    },
                )
            })
            .collect();
        fleet.run_until("commands work", MINUTE, |fleet| {
            fleet.completed.len() >= commands.len()
        });
        for command in &commands {
            assert!(
                fleet.completed[command].is_ok(),
                "{:?}",
                fleet.completed[command]
            );
        }
        assert_eq!(
            fleet.registrations_heard, registrations,
            "nobody has registered again"
        );
    });
}

#[test]
fn a_crash_at_any_moment_of_a_rough_start_loses_nobody() {
    for_seeds(0..16, |seed| {
        let mut fleet = Fleet::new(seed, 30, Conditions::ROUGH);
        for crash in 0..4 {
            fleet.run_for(200 + 937 * (seed + crash));
            fleet.crash();
            fleet.run_for(500);
            fleet.restart();
            // Whoever was told that it is registered is in the store.
            assert_eq!(fleet.forgotten(), Vec::<String>::new());
        }
        fleet.run_until("all are registered", 40 * MINUTE, |fleet| {
            fleet.registered() == 30
        });
        fleet.set_conditions(Conditions::PERFECT);
        fleet.run_until("the agents know it too", 40 * MINUTE, |fleet| {
            fleet.agents_registered() == 30
        });
        let commands: Vec<_> = (0..30)
            .map(|device| {
                fleet.command(
                    device,
                    Action::Read {
                        path: path("/3/0/0"),
                    },
                )
            })
            .collect();
        fleet.run_until("commands work", 5 * MINUTE, |fleet| {
            commands.iter().all(|c| fleet.completed.contains_key(c))
        });
        for command in &commands {
            assert!(
                fleet.completed[command].is_ok(),
                "{:?}",
                fleet.completed[command]
            );
        }
    });
}

#[test]
fn a_device_that_falls_silent_expires_and_comes_back() {
    for_seeds(0..4, |seed| {
        let mut fleet = Fleet::new(seed, 5, Conditions::PERFECT);
        fleet.run_until("all are registered", MINUTE, |fleet| {
            fleet.registered() == 5
        });
        let lost = Conditions {
            loss: 1.0,
            ..Conditions::PERFECT
        };
        fleet.set_conditions(lost);
        fleet.run_until("all have expired", 30 * MINUTE, |fleet| {
            fleet.registered() == 0
        });
        fleet.set_conditions(Conditions::PERFECT);
        fleet.run_until("all are back", 120 * MINUTE, |fleet| {
            fleet.registered() == 5
        });
    });
}
