//! blockwise.
