//! Register files, by name, in pieces.

use futures_util::stream;
use hyper::body::Bytes;
use tokio::time::Instant;
use tonic::codegen::BoxStream;
use weald_certs::{FileName, RegisterFile, Stranger};
use weald_proto::service::get_register_file_response::Next;
use weald_proto::service::{GetRegisterFileRequest, GetRegisterFileResponse, RegisterFileHead};
use weald_proto::{Reason, Told, limit};

use super::{Allowances, BootstrapParts, Refused};

const BYTES_OF_MIB: f64 = 1_048_576.0;

/// A file that is about to be sent.
pub(super) struct Sent {
    /// How much of it: nothing, if the caller has it.
    pub(super) bytes: usize,
    pub(super) stream: BoxStream<GetRegisterFileResponse>,
}

/// Begins to send the file that is asked for, if it is newer than what the caller has.
pub(super) fn send(
    parts: &BootstrapParts,
    allowances: &Allowances,
    stranger: Stranger,
    request: &GetRegisterFileRequest,
) -> Result<Sent, Refused> {
    let now = Instant::now();
    let wait = |wait| Refused::told(Reason::TooManyRequests, Told::wait(wait));
    allowances.files.take(stranger.network(), 1.0, now).map_err(wait)?;
    let name = FileName::parse(&request.name)
        .map_err(|fault| Refused::told(Reason::RequestMalformed, Told::field("the request", &fault)))?;
    let RegisterFile { version, bytes } = parts.files.file(&name).ok_or(Refused::new(Reason::FileUnknown))?;
    let bytes = if version > request.known_version { bytes } else { Bytes::new() };
    // Whoever has the file is told so, and takes nothing of those who have not.
    let under_way = if bytes.is_empty() {
        None
    } else {
        let under_way = allowances.files_under_way.take(stranger.network());
        let under_way = under_way.ok_or(Refused::new(Reason::TooManyRequests))?;
        allowances.mib.take(stranger.network(), mib(&bytes), now).map_err(wait)?;
        Some(under_way)
    };
    let length = bytes.len();
    let head = RegisterFileHead { version, bytes: u64::try_from(length).unwrap_or(u64::MAX) };
    let all = std::iter::once(Next::Head(head)).chain(pieces(bytes).map(|piece| Next::Piece(piece.to_vec())));
    let all = all.map(move |next| {
        // Held until the last piece has been taken.
        let _under_way = &under_way;
        Ok(GetRegisterFileResponse { next: Some(next) })
    });
    Ok(Sent { bytes: length, stream: Box::pin(stream::iter(all)) })
}

fn mib(bytes: &Bytes) -> f64 {
    f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX)) / BYTES_OF_MIB
}

fn pieces(mut bytes: Bytes) -> impl Iterator<Item = Bytes> + Send {
    std::iter::from_fn(move || {
        let next = bytes.split_to(bytes.len().min(limit::PIECE_BYTES));
        (!next.is_empty()).then_some(next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_a_file_are_the_file() {
        for length in [0, 1, limit::PIECE_BYTES, limit::PIECE_BYTES + 1, 3 * limit::PIECE_BYTES] {
            let file: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let pieces: Vec<Bytes> = pieces(file.clone().into()).collect();
            assert!(pieces.iter().all(|piece| (1..=limit::PIECE_BYTES).contains(&piece.len())));
            assert_eq!(pieces.concat(), file);
        }
    }
}
