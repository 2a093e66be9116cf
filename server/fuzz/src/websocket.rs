//! The clients' side of WebSocket, made of raw bytes so that rules can be broken: frames out, frames in.

/// Opcodes.
pub const TEXT: u8 = 1;
/// A message of bytes.
pub const BINARY: u8 = 2;
/// The end of the connection.
pub const CLOSE: u8 = 8;
/// To be answered with a pong.
pub const PING: u8 = 9;
/// The answer to a ping.
pub const PONG: u8 = 10;

/// The request for a connection.
pub const UPGRADE: &str = "GET /tim HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A masked frame with this first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5a, 0x00, 0xff, 0x13];
    let mut out = Vec::with_capacity(payload.len() + 14);
    out.push(first);
    match u16::try_from(payload.len()) {
        Ok(length @ 0..=125) => out.push(0x80 | length.to_be_bytes()[1]),
        Ok(length) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    out
}

/// A whole message in one frame.
pub fn message(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame(0x80 | opcode, payload)
}

/// Takes the next frame of a server off the front of what has arrived.
///
/// # Errors
/// Says which rule of RFC 6455 the frame breaks.
pub fn take_frame(bytes: &mut Vec<u8>) -> Result<Option<(u8, Vec<u8>)>, String> {
    let [first, second, ..] = bytes.as_slice() else {
        return Ok(None);
    };
    if first & 0xf0 != 0x80 {
        return Err(format!("a frame in fragments or with reserved bits: {first:#x}"));
    }
    if second & 0x80 != 0 {
        return Err("a masked frame".to_owned());
    }
    let long = |range| {
        bytes
            .get(range)
            .map(|length: &[u8]| length.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    };
    let (start, length) = match second {
        126 => (4, long(2..4)),
        127 => (10, long(2..10)),
        length => (2, Some(u64::from(*length))),
    };
    let Some(length) = length else {
        return Ok(None);
    };
    let end = usize::try_from(length)
        .ok()
        .and_then(|length| length.checked_add(start))
        .ok_or("an impossible length")?;
    if bytes.len() < end {
        return Ok(None);
    }
    let opcode = first & 0x0f;
    let payload = bytes.drain(..end).skip(start).collect();
    Ok(Some((opcode, payload)))
}
