//! Numbers as text.

/// The decimal digits of `number`, at the end of `digits`. Digits that have no room are left out.
pub(crate) fn decimal(number: u32, digits: &mut [u8]) -> &[u8] {
    let mut rest = number;
    let mut start = digits.len();
    for slot in digits.iter_mut().rev() {
        *slot = b'0'.wrapping_add(u8::try_from(rest % 10).unwrap_or_default());
        start = start.saturating_sub(1);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}
