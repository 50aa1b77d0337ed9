//! LwM2M device-management agent (client): no_std, no allocator, sans-IO.
#![no_std]
