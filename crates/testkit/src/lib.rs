//! Development only: vectors, a seeded link and a virtual clock for tests.

mod link;
mod vectors;

pub use link::{Conditions, Delivery, Link};
pub use vectors::{hex, shared};
