//! The little of WebSocket (RFC 6455, client side) and HTTP/1.1 that a load generator needs. It
//! is our own because the generator has one core for both ends of every conversation: frames are
//! parsed in place and outgoing frames of one wake-up leave in one write. Frames are masked with
//! the zero key, which is valid on the wire and leaves the server all of its work.

use std::ops::Range;

/// The largest frame accepted from a server, far above anything in a benchmark.
const LARGEST_FRAME: u64 = 32 << 20;
/// The largest head of an HTTP response.
const LARGEST_HEAD: usize = 16 << 10;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// Why the bytes of a server are not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Servers must send every packet as one binary frame.
    #[error("frame with first byte {0:#04x}: not one unfragmented binary frame")]
    NotBinary(u8),
    /// Servers must not mask.
    #[error("masked frame from the server")]
    Masked,
    /// More than the generator is willing to buffer.
    #[error("frame of {0} bytes")]
    TooLarge(u64),
    /// Not an HTTP response, or one in a form that is not supported.
    #[error("HTTP response not understood: {0}")]
    Http(&'static str),
    /// The server refused the upgrade.
    #[error("upgrade refused with HTTP status {0}")]
    Refused(u16),
}

/// One frame from the server; ranges are positions in the parsed bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// One packet.
    Packet(Range<usize>),
    /// To be answered with a pong of the same payload.
    Ping(Range<usize>),
    /// Nothing to do.
    Pong,
    /// The server closes; status code if it gave one.
    Close(Option<u16>),
}

/// Parses the frame at the start of `bytes`: the frame and its length, `None` when incomplete.
pub fn parse_frame(bytes: &[u8]) -> Result<Option<(Frame, usize)>, FrameError> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    if second & MASKED != 0 {
        return Err(FrameError::Masked);
    }
    let (length, header) = match (second & 0x7f, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 4),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 10),
        (126 | 127, _) => return Ok(None),
        (short, _) => (u64::from(short), 2),
    };
    let end = match usize::try_from(length) {
        Ok(length_here) if length <= LARGEST_FRAME => header + length_here,
        _ => return Err(FrameError::TooLarge(length)),
    };
    if bytes.len() < end {
        return Ok(None);
    }
    let payload = header..end;
    let frame = match *first {
        0x82 => Frame::Packet(payload),
        0x88 => Frame::Close(match bytes[payload] {
            [a, b, ..] => Some(u16::from_be_bytes([a, b])),
            _ => None,
        }),
        0x89 => Frame::Ping(payload),
        0x8a => Frame::Pong,
        other => return Err(FrameError::NotBinary(other)),
    };
    Ok(Some((frame, end)))
}

/// Appends a binary frame.
pub fn write_packet(out: &mut Vec<u8>, payload: &[u8]) {
    write_frame(out, 0x02, payload);
}

/// Appends the acknowledgement of the synchronous packet with that number (wire-protocol 4).
pub fn write_acknowledgement(out: &mut Vec<u8>, [a, b, c, d]: [u8; 4]) {
    out.extend_from_slice(&[FINAL | 0x02, MASKED | 5, 0, 0, 0, 0, 12, a, b, c, d]);
}

/// Appends a pong.
pub fn write_pong(out: &mut Vec<u8>, payload: &[u8]) {
    write_frame(out, 0x0a, payload);
}

/// Appends a close frame with status 1000.
pub fn write_close(out: &mut Vec<u8>) {
    write_frame(out, 0x08, &1000_u16.to_be_bytes());
}

#[allow(clippy::cast_possible_truncation)] // Each length was compared with the size of its field.
fn write_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(FINAL | opcode);
    match payload.len() {
        length @ 0..126 => out.push(MASKED | length as u8),
        length @ 126..0x1_0000 => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// Appends the upgrade request. The key is that of RFC 6455's example: it protects caches from
/// confusion, not peers from each other, and nothing here caches.
pub fn write_upgrade(out: &mut Vec<u8>, host: &str) {
    out.extend_from_slice(
        format!(
            "GET /tim HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Origin: http://{host}\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .as_bytes(),
    );
}

/// Appends a POST of one packet to `/tim2`.
pub fn write_post(out: &mut Vec<u8>, host: &str, body: &[u8]) {
    let head = format!(
        "POST /tim2 HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body);
}

/// The head of an HTTP response.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// Status code.
    pub status: u16,
    /// Length of the head: position of the body.
    pub length: usize,
    /// Length of the body; 0 when the head does not say.
    pub body: usize,
}

/// Parses the head at the start of `bytes`, `None` when incomplete.
pub fn parse_head(bytes: &[u8]) -> Result<Option<Head>, FrameError> {
    let Some(length) = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map(|start| start + 4)
    else {
        return if bytes.len() > LARGEST_HEAD {
            Err(FrameError::Http("head too long"))
        } else {
            Ok(None)
        };
    };
    let text = std::str::from_utf8(&bytes[..length]).map_err(|_| FrameError::Http("head is not text"))?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 "))
        .and_then(|line| line.get(..3))
        .and_then(|status| status.parse().ok())
        .ok_or(FrameError::Http("status line"))?;
    let mut body = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = value
                .trim()
                .parse()
                .map_err(|_| FrameError::Http("content-length"))?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(FrameError::Http("transfer-encoding"));
        }
    }
    if body as u64 > LARGEST_FRAME {
        return Err(FrameError::TooLarge(body as u64));
    }
    Ok(Some(Head { status, length, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server's frame: as a client's, without the mask.
    fn unmasked(mut frame: Vec<u8>, mask_at: usize) -> Vec<u8> {
        frame.drain(mask_at..mask_at + 4);
        frame[1] &= 0x7f;
        frame
    }

    #[test]
    fn frames_of_every_length_form_survive_the_way_there_and_back() {
        for (length, mask_at) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let payload = vec![7; length];
            let mut frame = Vec::new();
            write_packet(&mut frame, &payload);
            let frame = unmasked(frame, mask_at);
            let (parsed, end) = parse_frame(&frame).unwrap().unwrap();
            assert_eq!(end, frame.len());
            assert_eq!(parsed, Frame::Packet(mask_at..mask_at + length));
        }
    }

    #[test]
    fn acknowledgement_is_the_packet_of_the_protocol() {
        let (mut short, mut long) = (Vec::new(), Vec::new());
        write_acknowledgement(&mut short, 0x0102_0304_i32.to_be_bytes());
        let packet = tim_protocol::packet::delivery_ack(0x0102_0304, tim_protocol::Encoding::Compact);
        write_packet(&mut long, &packet);
        assert_eq!(short, long);
    }

    #[test]
    fn incomplete_frame_asks_for_more() {
        let mut frame = Vec::new();
        write_packet(&mut frame, &[1; 300]);
        let frame = unmasked(frame, 4);
        for end in 0..frame.len() {
            assert_eq!(parse_frame(&frame[..end]), Ok(None));
        }
    }

    #[test]
    fn second_frame_is_left_for_later() {
        let bytes = [0x82, 1, 13, 0x82, 1, 18];
        assert_eq!(parse_frame(&bytes), Ok(Some((Frame::Packet(2..3), 3))));
    }

    #[test]
    fn fragmented_text_masked_and_huge_frames_are_errors() {
        assert_eq!(parse_frame(&[0x02, 0]), Err(FrameError::NotBinary(0x02)));
        assert_eq!(parse_frame(&[0x81, 0]), Err(FrameError::NotBinary(0x81)));
        assert_eq!(parse_frame(&[0x82, 0x80, 0, 0, 0, 0]), Err(FrameError::Masked));
        let huge = [0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0];
        assert!(matches!(parse_frame(&huge), Err(FrameError::TooLarge(_))));
    }

    #[test]
    fn close_carries_its_status() {
        assert_eq!(
            parse_frame(&[0x88, 2, 0x03, 0xe8]),
            Ok(Some((Frame::Close(Some(1000)), 4)))
        );
        assert_eq!(parse_frame(&[0x88, 0]), Ok(Some((Frame::Close(None), 2))));
    }

    #[test]
    fn response_head_gives_status_and_body_length() {
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\ndate: x\r\n\r\nbody";
        let head = parse_head(response).unwrap().unwrap();
        assert_eq!((head.status, head.body), (200, 24));
        assert_eq!(&response[head.length..], b"body");
    }

    #[test]
    fn incomplete_head_asks_for_more_but_not_for_ever() {
        assert_eq!(parse_head(b"HTTP/1.1 101 Switching"), Ok(None));
        assert!(parse_head(&vec![b'x'; LARGEST_HEAD + 1]).is_err());
    }

    #[test]
    fn other_protocols_and_chunked_bodies_are_errors() {
        assert!(parse_head(b"SSH-2.0-x\r\n\r\n").is_err());
        assert!(parse_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
