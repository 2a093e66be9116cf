//! Frames from the server: every message is one unfragmented frame; packets are binary (wire-protocol 2.2).

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::CONTROL_LIMIT;

/// Appends the header of a binary message whose payload follows.
pub(in crate::gateway) fn put_binary_header(out: &mut Vec<u8>, length: usize) {
    put(out, OpCode::Data(Data::Binary), length);
}

/// Appends the header of a text message whose payload follows.
pub(in crate::gateway) fn put_text_header(out: &mut Vec<u8>, length: usize) {
    put(out, OpCode::Data(Data::Text), length);
}

/// Appends a pong.
pub(in crate::gateway) fn put_pong(out: &mut Vec<u8>, payload: &[u8]) {
    put(out, OpCode::Control(Control::Pong), payload.len());
    out.extend_from_slice(payload);
}

/// Appends a close frame. The reason is cut to what fits.
pub(in crate::gateway) fn put_close(out: &mut Vec<u8>, code: Option<u16>, reason: &str) {
    let Some(code) = code else {
        put(out, OpCode::Control(Control::Close), 0);
        return;
    };
    let reason = &reason[..reason.floor_char_boundary(CONTROL_LIMIT - 2)];
    put(out, OpCode::Control(Control::Close), 2 + reason.len());
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

fn put(out: &mut Vec<u8>, opcode: OpCode, length: usize) {
    let header = FrameHeader {
        opcode,
        ..FrameHeader::default()
    };
    let formatted = header.format(length as u64, out);
    debug_assert!(formatted.is_ok(), "writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_single_unmasked_frames() {
        let mut out = Vec::new();
        put_binary_header(&mut out, 1);
        assert_eq!(out, [0x82, 0x01]);
        out.clear();
        put_text_header(&mut out, 126);
        assert_eq!(out, [0x81, 126, 0, 126]);
        out.clear();
        put_binary_header(&mut out, 70_000);
        assert_eq!(out, [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }

    #[test]
    fn control_frames_never_exceed_their_limit() {
        let mut out = Vec::new();
        put_close(&mut out, Some(1001), &"ä".repeat(100));
        assert_eq!(out[..4], [0x88, 124, 0x03, 0xe9]);
        assert_eq!(out.len(), 2 + 124);
        out.clear();
        put_close(&mut out, None, "");
        assert_eq!(out, [0x88, 0]);
        out.clear();
        put_pong(&mut out, b"hi");
        assert_eq!(out, [0x8a, 2, b'h', b'i']);
    }
}
