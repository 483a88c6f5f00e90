//! Generated from `proto/weald/service/v1/*.proto`: the gRPC services.

pub use v1::*;

mod v1 {
    #![expect(clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated")]

    include!(concat!(env!("OUT_DIR"), "/weald.service.v1.rs"));
}
