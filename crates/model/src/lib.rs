//! LwM2M object and resource model: identifiers, paths, values, definitions.
#![no_std]
