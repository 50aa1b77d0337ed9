//! LwM2M payload formats over borrowed buffers.
#![no_std]
