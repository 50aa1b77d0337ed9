//! Whole endpoints on a link that loses, doubles and reorders: every exchange ends, and nothing is executed twice.

mod checks;
mod exchanges;
mod layer;
mod observing;
mod peers;
mod properties;
mod transfers;
mod world;
