//! Medians, ratios of pairs, and how far a ratio may be from one by chance alone.

/// The value below which that part of all values lies (nearest rank); none of none.
pub(crate) fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among few values")]
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// The middle value, or the middle of the two middle ones; none of none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let upper = sorted.get(half)?;
    if sorted.len() % 2 == 1 { Some(*upper) } else { Some((sorted.get(half.checked_sub(1)?)? + upper) / 2.0) }
}

/// Standard errors that a median must be above one by before it counts as more. Thirty judgements of a run that
/// are all true come out true together 24 times in 25.
const ERRORS: f64 = 3.0;
/// The median of a normal sample varies so much more than its mean.
const MEDIAN_OVER_MEAN: f64 = 1.2533;
/// Standard deviations of a normal distribution in its median absolute deviation.
const DEVIATIONS: f64 = 1.4826;
/// What counts as no difference, however still the machine.
const SAME: f64 = 1.05;

/// A limit above this says nothing: the machine has too much else to do.
const NOISE: f64 = 1.5;

/// What a ratio says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It is no more than chance.
    Holds,
    /// It is more.
    More,
    /// Ordinary phases differ so much among themselves that nobody can tell.
    Noise,
}

/// Ratios of pairs, with how they would be if there were no difference.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub(crate) struct Ratio {
    /// The median of the pairs' ratios.
    pub(crate) median: f64,
    /// The least of them, ...
    pub(crate) least: f64,
    /// ... and the greatest.
    pub(crate) most: f64,
    /// The same of ratios between one ordinary phase and the next, where there is no difference but the time.
    pub(crate) null_median: f64,
    /// The least of those, ...
    pub(crate) null_least: f64,
    /// ... and the greatest.
    pub(crate) null_most: f64,
    /// The greatest median that is no more than chance.
    pub(crate) limit: f64,
}

impl Ratio {
    /// Of pairs (hostile, ordinary) in the order in which they were measured; none of fewer than two.
    ///
    /// The limit comes from the ordinary phases alone: the spread of the ratio of each to the one before it,
    /// on a logarithmic scale, and what that spread makes of the median of as many pairs.
    pub(crate) fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let ratios: Vec<f64> = pairs.iter().map(|(hostile, ordinary)| hostile / ordinary).collect();
        let following = pairs.iter().zip(pairs.iter().skip(1));
        let nulls: Vec<f64> = following.map(|((_, before), (_, after))| after / before).collect();
        let deviations: Vec<f64> = nulls.iter().map(|null| null.ln().abs()).collect();
        let spread = DEVIATIONS * median(&deviations)?;
        let error = MEDIAN_OVER_MEAN * spread / (pairs.len() as f64).sqrt();
        Some(Ratio {
            median: median(&ratios)?,
            least: quantile(&ratios, 0.0)?,
            most: quantile(&ratios, 1.0)?,
            null_median: median(&nulls)?,
            null_least: quantile(&nulls, 0.0)?,
            null_most: quantile(&nulls, 1.0)?,
            limit: (ERRORS * error).exp().max(SAME),
        })
    }

    /// What it says.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.limit > NOISE {
            Verdict::Noise
        } else if self.median <= self.limit {
            Verdict::Holds
        } else {
            Verdict::More
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quantiles_do_not_depend_on_the_order() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&hundred, 0.95), Some(95.0));
        assert_eq!(quantile(&hundred, 0.0), Some(1.0));
        assert_eq!(quantile(&hundred, 1.0), Some(100.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn a_peer_that_costs_nothing_holds() {
        let ratio = Ratio::of(&[(1.0, 1.0), (1.02, 1.0), (0.98, 1.0), (1.0, 1.0)]).unwrap();
        assert_eq!(ratio.verdict(), Verdict::Holds);
        assert_eq!(ratio.limit, SAME);
        assert_eq!((ratio.median, ratio.least, ratio.most), (1.0, 0.98, 1.02));
    }

    #[test]
    fn a_peer_that_costs_a_tenth_does_not_hold_where_ordinary_phases_are_alike() {
        let pairs: Vec<_> = (0..10).map(|n| (1.1, if n % 2 == 0 { 1.0 } else { 1.01 })).collect();
        assert_eq!(Ratio::of(&pairs).unwrap().verdict(), Verdict::More);
    }

    #[test]
    fn the_limit_widens_with_the_spread_of_ordinary_phases_and_narrows_with_more_pairs() {
        let noisy =
            |pairs: usize| -> Vec<_> { (0..pairs).map(|n| (1.0, if n % 2 == 0 { 1.0 } else { 1.3 })).collect() };
        let (few, many) = (Ratio::of(&noisy(10)).unwrap(), Ratio::of(&noisy(40)).unwrap());
        assert!(few.limit > many.limit && many.limit > SAME, "{} {}", few.limit, many.limit);
        let spread = DEVIATIONS * 1.3f64.ln();
        let expected = (ERRORS * MEDIAN_OVER_MEAN * spread / 10f64.sqrt()).exp();
        assert!((few.limit - expected).abs() < 1e-9);
    }

    #[test]
    fn where_ordinary_phases_are_all_unlike_nothing_is_said() {
        let pairs: Vec<_> = (0..10).map(|n| (1.0, if n % 2 == 0 { 1.0 } else { 9.0 })).collect();
        assert_eq!(Ratio::of(&pairs).unwrap().verdict(), Verdict::Noise);
    }

    #[test]
    fn one_wild_pair_changes_neither_median_nor_limit() {
        let mut pairs = vec![(1.0, 1.0); 10];
        let calm = Ratio::of(&pairs).unwrap();
        pairs[4] = (9.0, 1.0);
        let wild = Ratio::of(&pairs).unwrap();
        assert_eq!((calm.median, calm.limit), (wild.median, wild.limit));
        assert_eq!(wild.most, 9.0);
    }

    #[test]
    fn one_pair_says_nothing() {
        assert_eq!(Ratio::of(&[(1.0, 1.0)]), None);
    }
}
