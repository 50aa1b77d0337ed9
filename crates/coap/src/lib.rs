//! CoAP messages and message engine: no_std, no allocator, sans-IO.
#![no_std]
