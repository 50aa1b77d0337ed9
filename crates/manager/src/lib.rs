//! LwM2M device-management manager (server) as a library.
