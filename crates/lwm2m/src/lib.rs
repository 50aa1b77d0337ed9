//! What an LwM2M client and server must agree on: registration parameters and operations.
#![no_std]
