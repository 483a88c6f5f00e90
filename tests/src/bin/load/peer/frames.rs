//! HTTP/2 by hand (RFC 9113), for a peer that keeps to no limit: a library would keep to them.

/// What a client says first.
pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a frame's head.
pub(crate) const HEAD: usize = 9;

const DATA: u8 = 0;
/// The kind of frame that begins a request.
pub(crate) const HEADERS: u8 = 1;
/// The kind of frame that ends a stream early.
pub(crate) const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Bytes that follow.
    pub(crate) length: u32,
    /// What kind of frame.
    pub(crate) kind: u8,
    flags: u8,
    /// The stream; 0 for the connection.
    pub(crate) stream: u32,
}

impl Frame {
    /// Reads a head.
    pub(crate) fn of(head: &[u8; HEAD]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = *head;
        Frame {
            length: u32::from_be_bytes([0, a, b, c]),
            kind,
            flags,
            stream: u32::from_be_bytes(stream) & 0x7fff_ffff,
        }
    }

    /// What must be said to it, lest the other end hang up: settings are acknowledged. (No phase is long enough
    /// for a ping to go unanswered.)
    pub(crate) fn reply(&self) -> Option<Vec<u8>> {
        (self.kind == SETTINGS && self.flags & ACK == 0).then(|| frame(SETTINGS, ACK, 0, &[]))
    }
}

/// Settings, all of them as usual.
pub(crate) fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

/// The head of a gRPC request, with whose end more is to come.
pub(crate) fn request_headers(stream: u32, path: &str, authority: &str) -> Vec<u8> {
    // Entries of the static table: `:method: POST`, `:scheme: https` (RFC 7541, appendix A).
    let mut block = vec![0x83, 0x87];
    literal(&mut block, &[0x04], path);
    literal(&mut block, &[0x01], authority);
    literal(&mut block, &[0x0f, 0x10], "application/grpc");
    literal(&mut block, &[0x00, 2, b't', b'e'], "trailers");
    frame(HEADERS, END_HEADERS, stream, &block)
}

/// The head of a gRPC answer, after which more is to come.
pub(crate) fn response_headers(stream: u32) -> Vec<u8> {
    let mut block = vec![0x88];
    literal(&mut block, &[0x0f, 0x10], "application/grpc");
    frame(HEADERS, END_HEADERS, stream, &block)
}

/// Bytes of a body.
pub(crate) fn data(stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, 0, stream, bytes)
}

/// A header field without indexing, whose name is given and whose value is shorter than 127 bytes
/// (RFC 7541, 6.2.2).
fn literal(block: &mut Vec<u8>, name: &[u8], value: &str) {
    block.extend(name);
    block.push(u8::try_from(value.len().min(126)).unwrap_or_default());
    block.extend(value.bytes().take(126));
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    let mut bytes = Vec::with_capacity(HEAD + payload.len());
    bytes.extend(length.iter().skip(1));
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let bytes = data(5, b"abc");
        let head = Frame::of(bytes[..HEAD].try_into().unwrap());
        assert_eq!((head.length, head.kind, head.stream), (3, DATA, 5));
        assert_eq!(&bytes[HEAD..], b"abc");
    }

    #[test]
    fn settings_are_acknowledged_once() {
        let head = |bytes: Vec<u8>| Frame::of(bytes[..HEAD].try_into().unwrap());
        let acknowledged = head(settings()).reply().unwrap();
        assert_eq!(head(acknowledged).reply(), None);
        assert_eq!(head(data(1, b"")).reply(), None);
    }

    #[test]
    fn a_request_names_method_path_and_authority() {
        let bytes = request_headers(1, "/a/b", "x");
        let head = Frame::of(bytes[..HEAD].try_into().unwrap());
        assert_eq!((head.kind, head.flags, head.length as usize), (HEADERS, END_HEADERS, bytes.len() - HEAD));
        assert_eq!(&bytes[HEAD..HEAD + 11], b"\x83\x87\x04\x04/a/b\x01\x01x");
    }
}
