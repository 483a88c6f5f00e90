//! Text of others, so that it cannot steer the terminal on which it is shown, nor pass for another line.

/// One line: whatever steers, breaks lines, turns them round or is not seen is a `?`.
pub(super) fn line(text: &str) -> String {
    text.chars().map(|one| if is_seen(one) { one } else { '?' }).collect()
}

/// The same JSON (RFC 8259), in which every such character is escaped. Outside its strings it has only spaces and
/// ends of lines.
pub(super) fn json(whole: &str) -> String {
    let mut plain = String::with_capacity(whole.len());
    for one in whole.chars() {
        match one {
            '\n' => plain.push('\n'),
            // Within a string they are escaped already.
            '\t' | '\r' => plain.push(' '),
            seen if is_seen(seen) => plain.push(seen),
            unseen => {
                let mut units = [0; 2];
                plain.extend(unseen.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    plain
}

/// False for controls of a terminal (C0, DEL, C1), and for what Unicode 16 calls line and paragraph separators and
/// format characters: the bidirectional ones among them, and those without a width.
fn is_seen(one: char) -> bool {
    let is_format = matches!(
        u32::from(one),
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x180e | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0x1_10bd | 0x1_10cd
            | 0x1_3430..=0x1_343f | 0x1_bca0..=0x1_bca3 | 0x1_d173..=0x1_d17a | 0xe_0000..=0xe_007f
    );
    !one.is_control() && !is_format
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_others_is_one_line_that_steers_nothing() {
        let hostile = "0.1\nRVV\r\t\u{1b}[2J\u{7f}\u{9b}2J\u{202e}away\u{2028}\u{200b}\u{e0041}";
        assert_eq!(line(hostile), "0.1?RVV???[2J??2J?away???");
        assert_eq!(line("Y Fenni \u{2013} c\u{f4}t \u{5d0}"), "Y Fenni \u{2013} c\u{f4}t \u{5d0}");
    }

    #[test]
    fn json_of_others_says_the_same_and_steers_nothing() {
        let value = serde_json::json!({ "what": "a\nb \u{1b}[2J \u{7f} \u{9b}2J \u{202e} \u{e0041} \u{f4}" });
        let hostile = serde_json::to_string_pretty(&value).unwrap() + "\r\n";
        let plain = json(&hostile);
        assert!(plain.chars().all(|one| one == '\n' || is_seen(one)), "{plain:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&plain).unwrap(), value);
        assert!(plain.contains("\\u009b2J") && plain.contains('\u{f4}'), "{plain}");
    }
}
