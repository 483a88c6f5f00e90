//! Reproducible chance: the same seed and index always give the same choices.

/// A small generator (splitmix64), seeded from a population's seed and a person's index.
///
/// Not for keys, nonces or anything that must not be guessed: it is for fixtures only.
pub(crate) struct Chance(u64);

impl Chance {
    /// The choices of person `index` in the population of `seed`.
    pub(crate) fn of(seed: u64, index: u32) -> Self {
        let mut chance = Chance(seed ^ u64::from(index).wrapping_mul(0xD1B5_4A32_D192_ED03));
        chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `bound`; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let high = ((self.next() >> 32) * u64::from(bound)) >> 32;
        u32::try_from(high).unwrap_or(0)
    }

    /// A number of days, or years, in `from..=to`.
    pub(crate) fn between(&mut self, from: u32, to: u32) -> u32 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of a list; the default if the list is empty.
    pub(crate) fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        let length = u32::try_from(list.len()).unwrap_or(u32::MAX);
        list.get(self.below(length) as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_index_give_the_same_choices() {
        let choices = |seed, index| -> Vec<u32> {
            let mut chance = Chance::of(seed, index);
            (0..20).map(|_| chance.below(1_000_000)).collect()
        };
        assert_eq!(choices(1, 7), choices(1, 7));
        assert_ne!(choices(1, 7), choices(1, 8));
        assert_ne!(choices(1, 7), choices(2, 7));
    }

    #[test]
    fn a_choice_stays_below_its_bound_and_reaches_every_value() {
        let mut chance = Chance::of(1, 1);
        let mut seen = [false; 5];
        for _ in 0..500 {
            seen[chance.below(5) as usize] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(chance.below(0), 0);
    }
}
