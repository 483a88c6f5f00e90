//! Searching what was written.

use std::collections::HashMap;
use std::fmt;

use super::ear::Channel;
use super::pattern;
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

impl Default for Haystack {
    fn default() -> Self {
        let mut haystack = Haystack { needles: Vec::new(), by_start: HashMap::new(), coarse: vec![false; SLOTS] };
        pattern::starts().for_each(|start| haystack.look_at(start));
        haystack
    }
}

impl Haystack {
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
        self.look_at(start);
    }

    fn look_at(&mut self, start: [u8; 4]) {
        if let Some(slot) = self.coarse.get_mut(slot(u32::from_le_bytes(start))) {
            *slot = true;
        }
    }

    /// The first secret of every line.
    pub(super) fn search(&self, channel: Channel, text: &str) -> Vec<Leak> {
        let lines = text.lines();
        lines.filter_map(|line| self.first(line).map(|(kind, place)| leak(kind, channel, line, place))).collect()
    }

    /// Goes by every byte that anybody writes, in builds without optimisation too: what is not done
    /// for each of them counts.
    fn first(&self, line: &str) -> Option<(SecretKind, usize)> {
        let line = line.to_ascii_lowercase().into_bytes();
        let mut last_four = 0;
        for (end, byte) in line.iter().enumerate() {
            last_four = last_four >> 8 | u32::from(*byte) << 24;
            if let Some(true) = self.coarse.get(slot(last_four))
                && let Some(place) = end.checked_sub(3)
                && let Some(kind) = self.begins(&line, place)
            {
                return Some((kind, place));
            }
        }
        None
    }

    /// What begins at that place of a line in small letters.
    fn begins(&self, line: &[u8], place: usize) -> Option<SecretKind> {
        let rest = line.get(place..)?;
        let begun = self.by_start.get(rest.first_chunk::<4>()?).into_iter().flatten();
        let fits = |needle: &&Needle| {
            rest.starts_with(&needle.text) && (!needle.is_word || stands_alone(line, place, needle.text.len()))
        };
        let needle = begun.filter_map(|place| self.needles.get(*place)).find(fits);
        needle.map(|needle| needle.kind).or_else(|| pattern::at(line, place))
    }
}

fn slot(start: u32) -> usize {
    (start.wrapping_mul(0x9E37_79B1) >> 12) as usize
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
        let mut haystack = Haystack::default();
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
