//! Tests of the agent with the features of this package and no others, in `tests/`.
