//! Documents: DocumentReference. Its content stays where it is.

use weald_proto::Section;
use weald_proto::wire::{self, item::Detail};

use super::element::{codings, first_codings, words};
use super::item::item;
use super::json::Json;
use super::resource::Resource;
use super::{codes, directive};

/// A DocumentReference: an advance directive by its type, else a document.
pub(crate) fn document(resource: &Resource<'_>) -> (Section, wire::Item) {
    let kind = codes::directive_document(&codings(resource.at("type")));
    match kind {
        Some(kind) => (Section::AdvanceDirectives, directive::form(resource, kind)),
        None => (Section::Documents, letter(resource)),
    }
}

fn letter(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let attachment = json.at("content.attachment");
    let detail = wire::Document {
        title: title(json),
        content_type: attachment.text_at("contentType"),
        size_bytes: size(attachment),
        created_at: attachment.text_at("creation"),
        hash: attachment.text_at("hash"),
        categories: first_codings(json.at("category")),
        url: attachment.text_at("url"),
        practice_setting: words(json.at("context.practiceSetting")),
    };
    known_by_title(item(resource, json.at("type"), Detail::Document(detail)), json)
}

/// A document without a type is known by its title.
pub(crate) fn known_by_title(mut item: wire::Item, json: &Json) -> wire::Item {
    let title = title(json);
    if item.text == "DocumentReference" && !title.is_empty() {
        item.text = title;
    }
    item
}

fn title(json: &Json) -> String {
    json.first_text(&["content.attachment.title", "description"])
}

/// The size as given, else that of the base64 data that came along.
fn size(attachment: &Json) -> u64 {
    let data = attachment.text_at("data");
    let digits = data.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').count();
    attachment.text_at("size").parse().unwrap_or_else(|_| u64::try_from(digits.saturating_mul(3) / 4).unwrap_or(0))
}
