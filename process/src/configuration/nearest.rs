//! Which word was meant?

/// The known word that is nearest, if it is near enough to have been meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, nearest) = known.into_iter().map(|other| (distance(word, other), other)).min()?;
    (distance <= word.chars().count().max(3) / 3).then_some(nearest)
}

/// How many letters have to be put in, taken out or replaced (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (taken, letter) in from.chars().enumerate() {
        let mut next = vec![taken.saturating_add(1)];
        let steps = row.iter().zip(row.iter().skip(1)).zip(&to);
        for ((diagonal, above), other) in steps {
            let replaced = diagonal.saturating_add(usize::from(letter != *other));
            let left = next.last().copied().unwrap_or_default();
            next.push(replaced.min(above.saturating_add(1)).min(left.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters() {
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("lisen", "listen"), 1);
        assert_eq!(distance("", "key"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn a_word_that_is_like_none_was_not_meant() {
        let known = ["listen", "federation", "tls"];
        assert_eq!(nearest("lisen", known), Some("listen"));
        assert_eq!(nearest("tsl", known), None);
        assert_eq!(nearest("tl", known), Some("tls"));
        assert_eq!(nearest("colour", known), None);
    }
}
