//! Development only: vectors, a seeded link and a virtual clock for tests.
