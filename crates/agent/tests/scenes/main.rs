//! Scenes between an agent and a scripted server, over the agent's doors and a virtual clock.

mod access;
mod bad_input;
mod bench;
mod blockwise;
mod bootstrap;
mod certificates;
#[path = "../checks/mod.rs"]
mod checks;
mod composite;
mod fallback;
mod history;
mod hostile;
mod keep;
mod local;
mod observe;
mod pack;
mod reading;
mod registration;
mod rich;
mod secure;
mod send;
mod shipped;
mod writing;
