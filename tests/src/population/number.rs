//! NHS numbers of synthetic people.

/// How many people have a number of their own: index `CAPACITY + i` has the number of index `i`.
pub const CAPACITY: u32 = 810_000;

/// Usable numbers taken for each stem of eight digits: at most one of its ten lacks a check digit.
const PER_STEM: u32 = 9;

/// The ten digits for a person: 9991... for the first 90,000, then 9992... to 9999....
///
/// All lie in 999 000 0000 to 999 999 9999, which is never issued.
pub(crate) fn digits(index: u32) -> String {
    let place = index % CAPACITY;
    let stem = 99_910_000 + place / PER_STEM;
    let mut usable = (0..10).filter_map(|ninth| {
        let nine = format!("{stem}{ninth}");
        check_digit(&nine).map(|check| format!("{nine}{check}"))
    });
    usable.nth((place % PER_STEM) as usize).unwrap_or_default()
}

/// The mod 11 check digit; none where it would be ten.
fn check_digit(nine: &str) -> Option<u32> {
    let sum: u32 = nine.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    Some((11 - sum % 11) % 11).filter(|check| *check < 10)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use weald_proto::NhsNumber;

    use super::*;

    #[test]
    fn the_numbers_of_twenty_thousand_people_are_valid_and_distinct() {
        let numbers: BTreeSet<String> = (0..20_000).map(digits).collect();
        assert_eq!(numbers.len(), 20_000);
        assert!(numbers.iter().all(|number| number.starts_with("9991") && NhsNumber::parse(number).is_ok()));
    }

    #[test]
    fn the_last_number_of_its_own_is_still_one_that_is_never_issued() {
        let last = digits(CAPACITY - 1);
        assert!(last.starts_with("9999") && NhsNumber::parse(&last).is_ok(), "{last}");
        assert_eq!(digits(CAPACITY), digits(0));
    }
}
