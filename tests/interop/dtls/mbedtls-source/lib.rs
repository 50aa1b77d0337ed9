//! Nothing: only the dependency counts.
