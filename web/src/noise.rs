//! Text that cannot be packed, for tests.

/// So many characters of one byte each, without repetitions.
pub(crate) fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let next = |_| {
        // Knuth's linear congruential generator (MMIX).
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b'#' + ((state >> 33) % 90) as u8)
    };
    (0..bytes).map(next).collect()
}
