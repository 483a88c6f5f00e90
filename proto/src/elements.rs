//! What an answer becomes once it is decoded: counted in its bytes, before there is room for it in memory.

use prost::Message as _;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::{Malformed, wire};

// ITEM, PART and MESSAGES: of each message that a part can hold, the fields that are elements, with the number of the
// message that they hold; none for texts. A message holds only those that stand before it.
include!(concat!(env!("OUT_DIR"), "/elements.rs"));

/// The number of elements of an item, itself included: messages, and texts in a list. Each takes up memory of its own,
/// an empty one of two bytes some hundred.
pub fn elements(item: &wire::Item) -> usize {
    // What was encoded here does parse.
    count(&item.encode_to_vec(), ITEM).map_or(usize::MAX, |within| within.saturating_add(1))
}

/// The number of elements in an encoded part.
pub(crate) fn elements_in(part: &[u8]) -> Result<usize, Malformed> {
    count(part, PART)
}

fn count(mut bytes: &[u8], message: usize) -> Result<usize, Malformed> {
    const NO_PART: Malformed = Malformed::new("parts", "an encoded Part");
    let fields = MESSAGES.get(message).copied().unwrap_or_default();
    let mut all: usize = 0;
    while !bytes.is_empty() {
        let (tag, wire_type) = decode_key(&mut bytes).map_err(|_| NO_PART)?;
        let element =
            fields.iter().find(|(number, _)| *number == tag).filter(|_| wire_type == WireType::LengthDelimited);
        let Some((_, held)) = element else {
            skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).map_err(|_| NO_PART)?;
            continue;
        };
        let length = decode_varint(&mut bytes).map_err(|_| NO_PART)?;
        let length = usize::try_from(length).map_err(|_| NO_PART)?;
        let (content, rest) = bytes.split_at_checked(length).ok_or(NO_PART)?;
        bytes = rest;
        let within = held.map_or(Ok(0), |held| count(content, held))?;
        all = all.saturating_add(1).saturating_add(within);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::item::Detail;

    fn item() -> wire::Item {
        let component = wire::Component { codes: vec![wire::Coding::default(); 3], ..wire::Component::default() };
        let result = wire::Result { components: vec![component; 2], ..wire::Result::default() };
        wire::Item {
            text: "\n\n\n".into(),
            notes: vec!["\u{12}".into(), String::new()],
            codes: vec![wire::Coding::default(); 5],
            detail: Some(Detail::Result(result)),
            ..wire::Item::default()
        }
    }

    #[test]
    fn every_message_and_every_text_of_a_list_counts_however_deep_and_whatever_a_text_looks_like() {
        // The item, two notes, five codes, a result with two components of three codes each.
        assert_eq!(elements(&item()), 1 + 2 + 5 + 1 + 2 + 6);
        let part = wire::Part { salt: vec![0; 16], items: vec![item(); 2] };
        assert_eq!(elements_in(&part.encode_to_vec()).unwrap(), 2 * elements(&item()));
    }

    #[test]
    fn what_ends_too_early_is_no_part() {
        let part = wire::Part { salt: vec![0; 16], items: vec![item()] }.encode_to_vec();
        assert!(elements_in(&part[..part.len() - 1]).is_err());
    }
}
