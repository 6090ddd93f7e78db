//! Samples without a pattern.

/// So many bytes, the same each time.
pub(crate) fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let bytes = (0..count).map(|_| {
        // Numerical Recipes' linear congruential generator; its high bits.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    bytes.collect()
}
