//! Scenes between an agent and a scripted server, over the agent's doors and a virtual clock.

mod access;
mod accounts;
mod attributes;
mod bad_input;
mod bench;
mod blockwise;
mod bootstrap;
mod certificates;
#[path = "../checks/mod.rs"]
mod checks;
mod composite;
mod corners;
mod echo;
mod ets;
mod ets_bootstrap;
mod ets_reporting;
mod fallback;
mod history;
mod hostile;
mod keep;
mod leaving;
mod local;
mod observe;
mod order;
mod own_objects;
mod pack;
mod reading;
mod registration;
mod rich;
mod secure;
mod send;
mod shipped;
mod update;
mod writing;
