//! The envelope of a register file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use weald_proto::{Malformed, Signed, wire};

use crate::register::RegisterDocument;

/// A signed message as JSON.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    payload: String,
    key_id: String,
    signature: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Signed<RegisterDocument>, Malformed> {
    let envelope: Envelope = serde_json::from_slice(bytes)
        .map_err(|_| Malformed::new("register", "a JSON object of payload, key_id and signature"))?;
    let decode = |field, text: &str| STANDARD.decode(text).map_err(|_| Malformed::new(field, "base64"));
    Ok(Signed::from_wire(wire::SignedMessage {
        payload: decode("payload", &envelope.payload)?,
        key_id: envelope.key_id,
        signature: decode("signature", &envelope.signature)?,
    }))
}

/// One line without spaces.
pub(super) fn write(signed: &Signed<RegisterDocument>) -> Vec<u8> {
    let message = signed.as_wire();
    let envelope = Envelope {
        payload: STANDARD.encode(&message.payload),
        key_id: message.key_id.clone(),
        signature: STANDARD.encode(&message.signature),
    };
    serde_json::to_vec(&envelope).unwrap_or_default()
}
