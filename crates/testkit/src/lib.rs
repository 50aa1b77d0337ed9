//! Development only: vectors, a seeded link and a virtual clock for tests.

mod link;

pub use link::{Conditions, Delivery, Link};
