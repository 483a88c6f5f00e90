//! Compiles the .proto files with protox (pure Rust: no protoc needed).

use std::error::Error;
use std::path::PathBuf;

use prost::Message as _;

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
