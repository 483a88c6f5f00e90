//! One item as JSON.

use std::sync::LazyLock;

use anyhow::Context as _;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::{Value, json};
use weald_viewer::Told;

static ITEM: LazyLock<Option<MessageDescriptor>> = LazyLock::new(|| {
    DescriptorPool::decode(weald_proto::FILE_DESCRIPTOR_SET).ok()?.get_message_by_name("weald.v1.Item")
});

/// The item: what every reader wants first by short names, then every field as its source gave it.
pub(super) fn item(told: &Told<'_>) -> anyhow::Result<Value> {
    let item = told.item;
    let codes: Vec<Value> = item
        .codes
        .iter()
        .map(|coding| json!({ "system": coding.system, "code": coding.code, "display": coding.display }))
        .collect();
    Ok(json!({
        "source": told.organisation,
        "record_id": item.source_record_id,
        "code": codes.first(),
        "codes": codes,
        "text": item.text,
        "status": item.status,
        "dates": {
            "start": item.effective_start,
            "end": item.effective_end,
            "recorded": item.recorded_at,
        },
        "entered_in_error": item.entered_in_error,
        "subject_unresolved": item.subject_unresolved,
        "item": whole(item)?,
    }))
}

/// Every field that is filled, by the names of the .proto files.
fn whole(item: &weald_proto::wire::Item) -> anyhow::Result<Value> {
    let descriptor = ITEM.clone().context("the contract describes no Item")?;
    let message = DynamicMessage::decode(descriptor, item.encode_to_vec().as_slice())?;
    let options = SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    Ok(message.serialize_with_options(serde_json::value::Serializer, &options)?)
}
