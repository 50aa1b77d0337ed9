//! Copying without a panic.

/// Copies `from` to the beginning of `to`, as much of it as there is room for.
///
/// Callers give as much room as they copy. `copy_from_slice` would check that again and keep its panic in an image that
/// is compiled for size, where it is not inlined.
#[cfg_attr(target_pointer_width = "32", inline(never))]
#[cfg_attr(not(target_pointer_width = "32"), inline)]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    for (place, byte) in to.iter_mut().zip(from) {
        *place = *byte;
    }
}
