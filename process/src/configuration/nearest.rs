//! Which word was meant?

/// The known word that is nearest, if it is near enough to have been meant: one letter in three was put in, left out,
/// replaced, or changed places with the next.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances = known.into_iter().map(|other| (strsim::osa_distance(word, other), other));
    let (distance, nearest) = distances.min()?;
    (distance <= word.chars().count().max(3) / 3).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_is_understood_and_another_word_is_not() {
        let known = ["listen", "federation", "tls"];
        for (word, meant) in [("lisen", "listen"), ("tsl", "tls"), ("tl", "tls"), ("federaiton", "federation")] {
            assert_eq!(nearest(word, known), Some(meant));
        }
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }
}
