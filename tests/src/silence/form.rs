//! The forms that a text may have in a log.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter encoded texts could come about by chance in the digests, keys and ids that logs are full of.
const SHORTEST_ENCODED: usize = 10;

/// A text as it is, in capitals, and as `Debug` of strings and of byte buffers escapes it.
pub(super) fn readable(text: &str) -> Vec<String> {
    let mut forms = vec![
        text.to_owned(),
        text.to_uppercase(),
        text.escape_debug().to_string(),
        text.escape_default().to_string(),
        text.as_bytes().escape_ascii().to_string(),
        percent(text),
    ];
    forms.sort();
    forms.dedup();
    forms
}

/// A text within something longer that was encoded: base64 at each of the three places where it may
/// begin, hexadecimal digits, or a list of numbers.
pub(super) fn encoded(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut forms: Vec<String> = (0..3).flat_map(|before| base64(bytes, before)).collect();
    forms.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    forms.push(numbers.join(", "));
    forms.retain(|form| form.len() >= SHORTEST_ENCODED);
    forms.sort();
    forms.dedup();
    forms
}

/// The characters that are the same whatever stands before and after, in both alphabets.
fn base64(bytes: &[u8], before: usize) -> [String; 2] {
    let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(bytes.iter().copied()).collect();
    let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
    let settled = |text: String| text.chars().take(end).skip(first).collect();
    [settled(URL_SAFE_NO_PAD.encode(&padded)), settled(STANDARD_NO_PAD.encode(&padded))]
}

/// As a gRPC status message or a URL has it.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' '..=b'~' if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// An NHS number as it is written by people and systems.
pub(super) fn number(number: &str) -> Vec<String> {
    let group = |from, to| number.get(from..to).unwrap_or_default();
    let grouped = |between: &str| [group(0, 3), group(3, 6), group(6, 10)].join(between);
    vec![number.to_owned(), grouped(" "), grouped("-")]
}

/// A birth date, `YYYY-MM-DD`, as it is written by people and systems.
pub(super) fn date(date: &str) -> Vec<String> {
    let mut parts = date.splitn(3, '-');
    let mut part = || parts.next().unwrap_or_default();
    let (year, month, day) = (part(), part(), part());
    let name = month.parse().ok().and_then(|month: usize| MONTHS.get(month.wrapping_sub(1))).copied().unwrap_or("");
    vec![
        date.to_owned(),
        format!("{year}{month}{day}"),
        format!("{day}/{month}/{year}"),
        format!("{day}-{name}-{year}"),
        format!("{day} {name} {year}"),
    ]
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_base64_wherever_it_begins() {
        for before in ["", "a", "ab", "abc", "{\"patient\":"] {
            let token = URL_SAFE_NO_PAD.encode(format!("{before}9991000018\",\"and so on"));
            assert!(encoded("9991000018").iter().any(|form| token.contains(form)), "after {before:?}");
        }
    }

    #[test]
    fn bytes_are_found_as_debug_prints_them() {
        let bytes = "Żółkiewska".as_bytes();
        assert!(encoded("Żółkiewska").iter().any(|form| format!("{bytes:?}").contains(form)));
        assert!(readable("Żółkiewska").contains(&bytes.escape_ascii().to_string()));
    }

    #[test]
    fn numbers_and_dates_are_found_as_people_write_them() {
        assert_eq!(number("9991000018"), ["9991000018", "999 100 0018", "999-100-0018"]);
        assert!(date("1950-04-01").contains(&"01-Apr-1950".to_owned()));
    }
}
