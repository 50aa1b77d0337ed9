//! The HTTP side as its clients see it: a manager with a store in memory, the whole router, and scripted devices on UDP.

mod bad_input;
mod commands;
mod device;
mod document;
mod events;
mod guard;
mod objects;
mod portal;
mod security;
mod serving;
mod support;
