//! A small generator whose numbers never change.

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
///
/// The `i`-th number, `i` from 0, is `mix(seed + (i + 1) · 0x9e3779b97f4a7c15)` modulo 2⁶⁴, so any
/// of them can be had without the ones before it. For one seed all 2⁶⁴ numbers are different.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SplitMix64 {
    seed: u64,
    drawn: u64,
}

impl SplitMix64 {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The number at `index` of the stream that `seed` starts.
    #[inline]
    pub(crate) const fn at(seed: u64, index: u64) -> u64 {
        let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        let number = Self::at(self.seed, self.drawn);
        self.drawn = self.drawn.wrapping_add(1);
        number
    }

    /// The next number as a multiple of 2⁻⁵³ in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_numbers() {
        let mut random = SplitMix64::new(1_234_567);
        let first: Vec<u64> = (0..5).map(|_| random.next()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn a_unit_is_below_one() {
        let mut random = SplitMix64::new(3);
        assert!(
            (0..1000)
                .map(|_| random.unit())
                .all(|u| (0.0..1.0).contains(&u))
        );
    }
}
