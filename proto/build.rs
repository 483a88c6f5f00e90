//! Compiles the .proto files with protox (pure Rust: no protoc needed).

use std::error::Error;
use std::path::PathBuf;

use prost::Message as _;
use protox::prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

const FILES: [&str; 15] = [
    "weald/v1/section.proto",
    "weald/v1/element.proto",
    "weald/v1/detail.proto",
    "weald/v1/item.proto",
    "weald/v1/signed.proto",
    "weald/v1/query.proto",
    "weald/v1/answer.proto",
    "weald/v1/summary.proto",
    "weald/v1/audit.proto",
    "weald/v1/session.proto",
    "weald/v1/enrolment.proto",
    "weald/service/v1/record_service.proto",
    "weald/service/v1/node_agent_service.proto",
    "weald/service/v1/bootstrap_service.proto",
    "weald/service/v1/authority_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    std::fs::write(
        out.join("elements.rs"),
        elements(&DescriptorPool::from_file_descriptor_set(descriptors.clone())?)?,
    )?;
    let mut config = tonic_prost_build::Config::new();
    // Messages hold personal data, so none of them prints itself.
    config.skip_debug(["."]);
    // Most of an answer. A slice of what arrived, so that it is passed on without a copy of its own.
    config.bytes([".weald.v1.OpaquePart.content"]);
    // Much larger than the other notices.
    config.boxed(".weald.v1.BrokerNotice.notice.viewed");
    tonic_prost_build::configure().compile_fds_with_config(descriptors, config)?;
    Ok(())
}

/// What takes up memory of its own in a part: the fields that are messages, and those that are lists of texts.
fn elements(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let mut numbered = Vec::new();
    let mut number_of =
        |name: &str| number(&pool.get_message_by_name(name).ok_or(name)?, &mut numbered, &mut Vec::new());
    let (item, part) = (number_of("weald.v1.Item")?, number_of("weald.v1.Part")?);
    let rows: String = numbered.iter().map(|(name, row)| format!("    // {name}\n    &[{row}],\n")).collect();
    Ok(format!(
        "const ITEM: usize = {item};\nconst PART: usize = {part};\nconst MESSAGES: &[&[(u32, Option<usize>)]] = &[\n{rows}];\n"
    ))
}

/// Numbers a message after all that it holds, so that whoever goes down in it comes to an end.
fn number(
    message: &MessageDescriptor,
    numbered: &mut Vec<(String, String)>,
    path: &mut Vec<String>,
) -> Result<usize, Box<dyn Error>> {
    let name = message.full_name().to_owned();
    if let Some(known) = numbered.iter().position(|(other, _)| *other == name) {
        return Ok(known);
    }
    if path.contains(&name) {
        return Err(format!("{name} holds itself: nothing bounds how deep").into());
    }
    path.push(name.clone());
    let mut row = String::new();
    for field in message.fields() {
        let tag = field.number();
        match field.kind() {
            Kind::Message(held) => row += &format!("({tag}, Some({})), ", number(&held, numbered, path)?),
            Kind::String | Kind::Bytes if field.is_list() => row += &format!("({tag}, None), "),
            _ if field.is_list() => {
                return Err(format!("{} is a list whose length nothing bounds", field.full_name()).into());
            }
            _ => {}
        }
    }
    path.pop();
    numbered.push((name, row));
    Ok(numbered.len() - 1)
}
