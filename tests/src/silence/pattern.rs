//! What is a secret by its look, whoever it is about.

use super::secret::SecretKind;

/// The least of a token's header, after which comes a point and a payload that is JSON too.
const SHORTEST_HEADER: usize = 8;

/// The first four bytes of whatever [`at`] may find.
pub(super) fn starts() -> impl Iterator<Item = [u8; 4]> {
    let any = || 0..=u8::MAX;
    any().map(|fourth| [b'9', b'9', b'9', fourth]).chain(any().map(|fourth| [b'e', b'y', b'j', fourth]))
}

/// What begins at that place of a line in small letters: an NHS number of a synthetic person, or a
/// signed token (RFC 7519).
pub(super) fn at(line: &[u8], place: usize) -> Option<SecretKind> {
    let before = place.checked_sub(1).and_then(|place| line.get(place));
    let here = line.get(place..)?;
    match here.first()? {
        b'9' if !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte)) => {
            is_number(here).then_some(SecretKind::NhsNumber)
        }
        b'e' => is_token(here).then_some(SecretKind::Token),
        _ => None,
    }
}

/// Ten digits that begin with 999, the last of which checks the others; together, or as 3, 3 and 4.
fn is_number(text: &[u8]) -> bool {
    if !text.starts_with(b"999") {
        return false;
    }
    let between = text.get(3).copied().filter(|byte| b" -".contains(byte));
    let places: [usize; 10] = match between {
        None => std::array::from_fn(|place| place),
        Some(_) => [0, 1, 2, 4, 5, 6, 8, 9, 10, 11],
    };
    let end = if between.is_some() { 12 } else { 10 };
    if between.is_some() && text.get(7).copied() != between || text.get(end).is_some_and(u8::is_ascii_alphanumeric) {
        return false;
    }
    let digit =
        |place: &usize| text.get(*place).filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    let Some(digits) = places.iter().map(digit).collect::<Option<Vec<u32>>>() else { return false };
    let sum: u32 = digits.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    digits.last() == Some(&((11 - sum % 11) % 11))
}

/// `eyJ…` is how base64 begins of a JSON object whose first name is quoted.
fn is_token(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"eyj") else { return false };
    let header = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)).count();
    header >= SHORTEST_HEADER && rest.get(header..).is_some_and(|rest| rest.starts_with(b".eyj"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<SecretKind> {
        (0..line.len()).find_map(|place| at(line.as_bytes(), place))
    }

    #[test]
    fn numbers_of_synthetic_people_are_known_by_their_look() {
        for line in ["of 9990000018", "id=9990000018,", "999 000 0018", "(999-000-0018)", "9990000018"] {
            assert_eq!(found(line), Some(SecretKind::NhsNumber), "{line}");
        }
    }

    #[test]
    fn other_digits_are_not() {
        for line in
            ["9990000019", "19990000018", "99900000185", "0.9990000018", "999000001", "999 000-0018", "1795363200"]
        {
            assert_eq!(found(line), None, "{line}");
        }
    }

    #[test]
    fn tokens_are_known_by_their_look() {
        let token = "Bearer eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJHOTkwMDEifQ.c2ln".to_lowercase();
        assert_eq!(found(&token), Some(SecretKind::Token));
        assert_eq!(found("they jest. they do"), None);
    }
}
