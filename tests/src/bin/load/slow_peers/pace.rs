//! How much CPU time a hostile peer took, moment by moment, and an ordinary viewer that is held to the same.

use std::time::Duration;

/// CPU time taken since the beginning of a phase, at rising moments of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Curve(Vec<(Duration, Duration)>);

impl Curve {
    /// Notes what had been taken at a moment. Moments must come in order.
    pub(crate) fn note(&mut self, at: Duration, taken: Duration) {
        self.0.push((at, taken.max(self.total())));
    }

    /// What had been taken at that moment, on a straight line between what was noted; what was last noted
    /// after it.
    pub(crate) fn at(&self, moment: Duration) -> Duration {
        let later = self.0.partition_point(|(at, _)| *at <= moment);
        let (before, taken) = later.checked_sub(1).and_then(|last| self.0.get(last)).copied().unwrap_or_default();
        match self.0.get(later) {
            None => taken,
            Some((after, then)) => {
                let part = (moment - before).as_secs_f64() / (*after - before).as_secs_f64();
                taken + (*then - taken).mul_f64(part)
            }
        }
    }

    /// The last moment that was noted.
    pub(crate) fn length(&self) -> Duration {
        self.0.last().map(|(at, _)| *at).unwrap_or_default()
    }

    /// What was taken in all.
    pub(crate) fn total(&self) -> Duration {
        self.0.last().map(|(_, taken)| *taken).unwrap_or_default()
    }
}

/// How many views are to be begun now, if `taken` is to follow `target` and each view takes `cost`: of those
/// under way half is taken to be spent. Never more than `most` are under way.
pub(crate) fn due(target: Duration, taken: Duration, under_way: u32, cost: Duration, most: u32) -> u32 {
    let promised = taken + cost * under_way / 2;
    let missing = target.saturating_sub(promised).as_secs_f64();
    let room = most.saturating_sub(under_way);
    (1..=room).take_while(|views| cost.as_secs_f64() * (f64::from(*views) - 0.5) <= missing).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_curve_is_straight_between_what_was_noted() {
        let mut curve = Curve::default();
        curve.note(ms(10), ms(4));
        curve.note(ms(20), ms(8));
        assert_eq!(curve.at(ms(0)), ms(0));
        assert_eq!(curve.at(ms(5)), ms(2));
        assert_eq!(curve.at(ms(10)), ms(4));
        assert_eq!(curve.at(ms(15)), ms(6));
        assert_eq!(curve.at(ms(99)), ms(8));
        assert_eq!(curve.total(), ms(8));
    }

    #[test]
    fn what_was_taken_is_never_given_back() {
        let mut curve = Curve::default();
        curve.note(ms(10), ms(4));
        curve.note(ms(20), ms(3));
        assert_eq!(curve.at(ms(20)), ms(4));
    }

    #[test]
    fn nothing_noted_is_nothing_taken() {
        assert_eq!(Curve::default().at(ms(7)), ms(0));
    }

    #[test]
    fn views_are_begun_until_what_they_will_take_is_what_is_missing() {
        assert_eq!(due(ms(10), ms(0), 0, ms(2), 100), 5);
        assert_eq!(due(ms(10), ms(10), 0, ms(2), 100), 0);
        assert_eq!(due(ms(10), ms(12), 0, ms(2), 100), 0);
        assert_eq!(due(ms(1), ms(0), 0, ms(2), 100), 1);
    }

    #[test]
    fn views_under_way_count_half() {
        assert_eq!(due(ms(10), ms(0), 6, ms(2), 100), 2);
        assert_eq!(due(ms(10), ms(0), 10, ms(2), 100), 0);
    }

    #[test]
    fn no_more_views_are_under_way_than_may_be() {
        assert_eq!(due(ms(1000), ms(0), 0, ms(2), 16), 16);
        assert_eq!(due(ms(1000), ms(0), 15, ms(2), 16), 1);
        assert_eq!(due(ms(1000), ms(0), 17, ms(2), 16), 0);
    }
}
