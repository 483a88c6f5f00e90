//! Searching what was written.

use std::collections::HashMap;
use std::fmt;

use super::recorder::Channel;
use super::secret::SecretKind;

/// Slots of the first, coarse look at each place.
const SLOTS: usize = 1 << 20;
/// How much of a line's beginning a leak repeats.
const SHOWN: usize = 240;

/// A secret that was written down. Repeats what stood before it in its line, never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// What was written down.
    pub kind: SecretKind,
    /// Where to.
    pub channel: Channel,
    /// The line up to the secret; its last part, if it is long.
    pub before: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?} after: {}", self.kind, self.channel, self.before)
    }
}

/// A text that must not occur, in small letters (ASCII).
struct Needle {
    kind: SecretKind,
    text: Vec<u8>,
    is_word: bool,
}

/// All needles by their first four bytes.
pub(super) struct Haystack {
    needles: Vec<Needle>,
    by_start: HashMap<[u8; 4], Vec<usize>>,
    coarse: Vec<bool>,
}

impl Haystack {
    pub(super) fn new() -> Self {
        Haystack { needles: Vec::new(), by_start: HashMap::new(), coarse: vec![false; SLOTS] }
    }

    /// One more text to look for; as a whole word only, if so wanted. Texts under four bytes are too
    /// short to look for.
    pub(super) fn look_for(&mut self, kind: SecretKind, text: &str, is_word: bool) {
        let text = text.to_ascii_lowercase().into_bytes();
        let Some(start) = text.first_chunk::<4>().copied() else { return };
        let same = self.by_start.entry(start).or_default();
        if same.iter().any(|place| self.needles.get(*place).is_some_and(|needle| needle.text == text)) {
            return;
        }
        same.push(self.needles.len());
        self.needles.push(Needle { kind, text, is_word });
        if let Some(slot) = self.coarse.get_mut(slot(start)) {
            *slot = true;
        }
    }

    /// The first secret of every line.
    pub(super) fn search(&self, channel: Channel, text: &str) -> Vec<Leak> {
        let lines = text.lines();
        lines.filter_map(|line| self.first(line).map(|(kind, place)| leak(kind, channel, line, place))).collect()
    }

    fn first(&self, line: &str) -> Option<(SecretKind, usize)> {
        let line = line.to_ascii_lowercase().into_bytes();
        for (place, start) in line.windows(4).enumerate() {
            let Some(start) = start.first_chunk::<4>() else { continue };
            if !self.coarse.get(slot(*start)).is_some_and(|hit| *hit) {
                continue;
            }
            let begun = self.by_start.get(start).into_iter().flatten().filter_map(|place| self.needles.get(*place));
            let rest = line.get(place..).unwrap_or_default();
            for needle in begun.filter(|needle| rest.starts_with(&needle.text)) {
                if !needle.is_word || stands_alone(&line, place, needle.text.len()) {
                    return Some((needle.kind, place));
                }
            }
        }
        None
    }
}

fn slot(start: [u8; 4]) -> usize {
    (u32::from_le_bytes(start).wrapping_mul(0x9E37_79B1) >> 12) as usize
}

fn stands_alone(line: &[u8], place: usize, length: usize) -> bool {
    let is_letter = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    let before = place.checked_sub(1).and_then(|at| line.get(at));
    !is_letter(before) && !is_letter(line.get(place + length))
}

fn leak(kind: SecretKind, channel: Channel, line: &str, place: usize) -> Leak {
    let before: Vec<char> = line.get(..place).unwrap_or_default().chars().collect();
    let skipped = before.len().saturating_sub(SHOWN);
    Leak { kind, channel, before: before.into_iter().skip(skipped).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn haystack() -> Haystack {
        let mut haystack = Haystack::new();
        haystack.look_for(SecretKind::Name, "Isle", true);
        haystack.look_for(SecretKind::NhsNumber, "9991000018", false);
        haystack
    }

    #[test]
    fn a_leak_names_kind_and_place_and_not_the_secret() {
        let leaks = haystack().search(Channel::Log, "all is well\nperson x=mr ISLE of 9991000018\n");
        assert_eq!(leaks, [Leak { kind: SecretKind::Name, channel: Channel::Log, before: "person x=mr ".into() }]);
        assert!(!leaks[0].to_string().to_lowercase().contains("isle"));
    }

    #[test]
    fn a_name_within_a_word_is_no_leak_and_a_number_within_digits_is() {
        assert_eq!(haystack().search(Channel::Log, "misled"), []);
        assert_eq!(haystack().search(Channel::Log, "id7999100001899").len(), 1);
    }
}
