//! Turns bytes from a client into whole messages and control frames.

use std::io::Cursor;

use bytes::Bytes;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::CONTROL_LIMIT;

/// Something complete that a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Event {
    /// A text message, reassembled; valid UTF-8.
    Text(Bytes),
    /// A binary message, reassembled.
    Binary(Bytes),
    /// To be answered with a pong of the same content.
    Ping(Bytes),
    /// Nothing to do.
    Pong,
    /// The client closes; the code it gave, to be sent back.
    Close(Option<u16>),
    /// A fragment with next to no content. Normal now and then, abuse in large numbers.
    Sliver,
}

/// What a client did wrong. The connection is closed with [`Violation::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::gateway) enum Violation {
    /// The bytes are not frames as RFC 6455 wants them.
    #[error("protocol violation: {0}")]
    Protocol(&'static str),
    /// A text message or close reason that is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// A message above the limit.
    #[error("message too big")]
    TooBig,
}

impl Violation {
    /// The close code of RFC 6455, section 7.4.1.
    pub(in crate::gateway) fn code(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::NotUtf8 => 1007,
            Self::TooBig => 1009,
        }
    }
}

/// Fragments below this size are slivers.
const SLIVER: usize = 64;
const LONGEST_HEADER: usize = 14;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

/// A frame whose header is complete and whose payload is not.
#[derive(Debug)]
struct OpenFrame {
    control: Option<Control>,
    last: bool,
    mask: [u8; 4],
    length: usize,
    received: usize,
}

/// Reassembles messages. Between messages it holds no memory beyond its own size; inside a
/// message it holds what has arrived of it.
#[derive(Debug, Default)]
pub(in crate::gateway) struct FrameReader {
    header: [u8; LONGEST_HEADER],
    header_length: u8,
    frame: Option<OpenFrame>,
    kind: Option<Kind>,
    message: Vec<u8>,
    /// Bytes of a text message that are known to be whole characters.
    checked: usize,
    control: Vec<u8>,
}

impl FrameReader {
    /// Takes bytes from the front of `input` up to the end of the next complete event. `None`:
    /// everything was taken and more is needed. `limit` is the largest message accepted.
    pub(in crate::gateway) fn next(
        &mut self,
        input: &mut &[u8],
        limit: usize,
    ) -> Result<Option<Event>, Violation> {
        loop {
            if self.frame.is_none() {
                let Some((header, length)) = self.take_header(input)? else {
                    return Ok(None);
                };
                self.frame = Some(self.open(&header, length, limit)?);
            }
            let Some(frame) = &mut self.frame else {
                return Ok(None);
            };
            let (now, rest) = input.split_at(input.len().min(frame.length - frame.received));
            let whole = now.len() == frame.length;
            *input = rest;
            if whole && frame.last && frame.control.is_none() && self.message.is_empty() {
                // The usual case: one frame, one message, all of it here. No copy but the one out of
                // the shared read buffer.
                let mut payload = now.to_vec();
                unmask(&mut payload, frame.mask, 0);
                self.frame = None;
                return finish(self.kind.take(), payload, 0).map(Some);
            }
            let buffer = if frame.control.is_some() {
                &mut self.control
            } else {
                &mut self.message
            };
            let start = buffer.len();
            buffer.extend_from_slice(now);
            unmask(&mut buffer[start..], frame.mask, frame.received);
            frame.received += now.len();
            let is_whole = frame.received == frame.length;
            if frame.control.is_none() && self.kind == Some(Kind::Text) {
                self.checked = check_text(&self.message, self.checked)?;
            }
            if !is_whole {
                return Ok(None);
            }
            if let Some(event) = self.end_of_frame()? {
                return Ok(Some(event));
            }
        }
    }

    /// Bytes of the message that is not complete.
    pub(in crate::gateway) fn unfinished(&self) -> usize {
        self.message.len()
    }

    fn take_header(&mut self, input: &mut &[u8]) -> Result<Option<(FrameHeader, u64)>, Violation> {
        let before = usize::from(self.header_length);
        let parsed = if before == 0 && input.len() >= LONGEST_HEADER {
            parse_header(&input[..LONGEST_HEADER])?
        } else {
            let taken = input.len().min(LONGEST_HEADER - before);
            self.header[before..before + taken].copy_from_slice(&input[..taken]);
            let parsed = parse_header(&self.header[..before + taken])?;
            if parsed.is_none() {
                // Fewer than 14 bytes are here, so the number fits.
                self.header_length = u8::try_from(before + taken).unwrap_or(u8::MAX);
                *input = &input[taken..];
            }
            parsed
        };
        let Some((header, length, size)) = parsed else {
            return Ok(None);
        };
        self.header_length = 0;
        *input = &input[size - before..];
        Ok(Some((header, length)))
    }

    /// Checks a header against the state of the message.
    fn open(&mut self, header: &FrameHeader, length: u64, limit: usize) -> Result<OpenFrame, Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::Protocol("reserved bit set"));
        }
        let Some(mask) = header.mask else {
            return Err(Violation::Protocol("frame not masked"));
        };
        let length = usize::try_from(length).map_err(|_| Violation::TooBig)?;
        let control = match header.opcode {
            OpCode::Control(control) => {
                if !header.is_final {
                    return Err(Violation::Protocol("control frame in fragments"));
                }
                if length > CONTROL_LIMIT {
                    return Err(Violation::Protocol("control frame too long"));
                }
                Some(control)
            }
            OpCode::Data(data) => {
                match (data, self.kind) {
                    (Data::Text, None) => self.kind = Some(Kind::Text),
                    (Data::Binary, None) => self.kind = Some(Kind::Binary),
                    (Data::Continue, Some(_)) => {}
                    (Data::Continue, None) => return Err(Violation::Protocol("nothing to continue")),
                    (Data::Text | Data::Binary, Some(_)) => {
                        return Err(Violation::Protocol("message inside a message"));
                    }
                    (Data::Reserved(_), _) => return Err(Violation::Protocol("reserved opcode")),
                }
                if length > limit.saturating_sub(self.message.len()) {
                    return Err(Violation::TooBig);
                }
                None
            }
        };
        Ok(OpenFrame {
            control,
            last: header.is_final,
            mask,
            length,
            received: 0,
        })
    }

    fn end_of_frame(&mut self) -> Result<Option<Event>, Violation> {
        let Some(frame) = self.frame.take() else {
            return Ok(None);
        };
        if let Some(control) = frame.control {
            let payload = std::mem::take(&mut self.control);
            return match control {
                Control::Close => close_code(&payload).map(|code| Some(Event::Close(code))),
                Control::Ping => Ok(Some(Event::Ping(payload.into()))),
                Control::Pong => Ok(Some(Event::Pong)),
                Control::Reserved(_) => Err(Violation::Protocol("reserved opcode")),
            };
        }
        if frame.last {
            let message = std::mem::take(&mut self.message);
            let checked = std::mem::take(&mut self.checked);
            return finish(self.kind.take(), message, checked).map(Some);
        }
        Ok((frame.length < SLIVER).then_some(Event::Sliver))
    }
}

fn parse_header(bytes: &[u8]) -> Result<Option<(FrameHeader, u64, usize)>, Violation> {
    let mut cursor = Cursor::new(bytes);
    let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Violation::Protocol("reserved opcode"))?;
    let size = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
    Ok(parsed.map(|(header, length)| (header, length, size)))
}

/// A complete message, of which the first `checked` bytes are known to be whole characters if it is text.
fn finish(kind: Option<Kind>, message: Vec<u8>, checked: usize) -> Result<Event, Violation> {
    if kind != Some(Kind::Text) {
        return Ok(Event::Binary(message.into()));
    }
    std::str::from_utf8(&message[checked..]).map_err(|_| Violation::NotUtf8)?;
    Ok(Event::Text(message.into()))
}

/// Checks what has arrived of a text behind the first `checked` bytes; answers up to where it is whole
/// characters. What can no longer become a character fails at once and not at the end of the message.
fn check_text(text: &[u8], checked: usize) -> Result<usize, Violation> {
    match std::str::from_utf8(&text[checked..]) {
        Ok(_) => Ok(text.len()),
        Err(error) if error.error_len().is_none() => Ok(checked + error.valid_up_to()),
        Err(_) => Err(Violation::NotUtf8),
    }
}

fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() {
            Ok(None)
        } else {
            Err(Violation::Protocol("close code of one byte"))
        };
    };
    let code = u16::from_be_bytes(*code);
    // Those of RFC 6455 and its registry that may be sent, and those for libraries and applications.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(Violation::Protocol("close code not allowed"));
    }
    std::str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
    Ok(Some(code))
}

/// Removes the mask of a piece of a payload that begins `offset` bytes into it.
fn unmask(piece: &mut [u8], mut mask: [u8; 4], offset: usize) {
    mask.rotate_left(offset % 4);
    let wide = u64::from_ne_bytes([
        mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3],
    ]);
    let (chunks, rest) = piece.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x11, 0xa2, 0x33, 0xc4];

    /// A masked frame as a client sends it.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![first];
        match payload.len() {
            length @ 0..=125 => out.push(0x80 | u8::try_from(length).unwrap()),
            length @ 126..=65_535 => {
                out.push(0x80 | 126);
                out.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                out.push(0x80 | 127);
                out.extend_from_slice(&(length as u64).to_be_bytes());
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

    /// Feeds bytes in pieces of the given size and collects the events.
    fn read(bytes: &[u8], piece: usize, limit: usize) -> Result<Vec<Event>, Violation> {
        let mut reader = FrameReader::default();
        let mut events = Vec::new();
        for mut input in bytes.chunks(piece) {
            while let Some(event) = reader.next(&mut input, limit)? {
                events.push(event);
            }
            assert!(input.is_empty(), "everything is taken when more is needed");
        }
        Ok(events)
    }

    fn message(bytes: &[u8]) -> Event {
        Event::Binary(Bytes::copy_from_slice(bytes))
    }

    #[test]
    fn messages_of_every_size_arrive_however_the_bytes_are_cut() {
        for size in [0, 1, 5, 125, 126, 1_000, 65_535, 65_536, 70_001] {
            let payload: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let mut bytes = frame(0x82, &payload);
            bytes.extend(frame(0x82, b"next"));
            for piece in [1, 2, 3, 7, 13, 14, 15, 4_096, bytes.len()] {
                assert_eq!(
                    read(&bytes, piece, 80_000).unwrap(),
                    [message(&payload), message(b"next")],
                    "{size} bytes in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn fragments_are_joined_and_control_frames_may_stand_between_them() {
        let long = [b'x'; 100];
        let mut bytes = frame(0x02, &long);
        bytes.extend(frame(0x89, b"are you there"));
        bytes.extend(frame(0x00, b""));
        bytes.extend(frame(0x8a, b""));
        bytes.extend(frame(0x80, b"end"));
        let mut whole = long.to_vec();
        whole.extend_from_slice(b"end");
        for piece in [1, 5, bytes.len()] {
            assert_eq!(
                read(&bytes, piece, 1_000).unwrap(),
                [
                    Event::Ping(Bytes::from_static(b"are you there")),
                    Event::Sliver,
                    Event::Pong,
                    message(&whole)
                ]
            );
        }
    }

    #[test]
    fn text_is_accepted_and_must_be_utf8_as_a_whole() {
        let mut bytes = frame(0x01, &"é".as_bytes()[..1]);
        bytes.extend(frame(0x80, &"é".as_bytes()[1..]));
        assert_eq!(
            read(&bytes, 3, 100).unwrap(),
            [Event::Sliver, Event::Text(Bytes::copy_from_slice("é".as_bytes()))]
        );
        assert_eq!(read(&frame(0x81, b"\xff"), 3, 100), Err(Violation::NotUtf8));
        assert_eq!(read(&frame(0x82, b"\xff"), 3, 100).unwrap(), [message(b"\xff")]);
    }

    #[test]
    fn text_that_cannot_become_utf8_is_refused_before_the_message_is_complete() {
        let text = "κόσμε".as_bytes();
        let bytes = frame(0x01, &[text, b"\xf4\x90"].concat());
        for piece in [1, 2, 5, bytes.len()] {
            assert_eq!(read(&bytes, piece, 100), Err(Violation::NotUtf8));
            let beginning = &bytes[..bytes.len() - 1];
            assert!(
                read(beginning, piece, 100).is_ok(),
                "could still become a character"
            );
        }
        let mut frame_not_complete = frame(0x81, &[text, b"\xed\xa0\x80", text].concat());
        frame_not_complete.truncate(2 + 4 + text.len() + 2);
        assert_eq!(read(&frame_not_complete, 3, 100), Err(Violation::NotUtf8));
    }

    #[test]
    fn a_message_above_the_limit_is_refused_by_its_header_alone() {
        let bytes = frame(0x82, &[0; 101]);
        assert_eq!(read(&bytes[..6], 6, 100), Err(Violation::TooBig));
        assert!(read(&frame(0x82, &[0; 100]), 6, 100).is_ok());
        let mut fragments = frame(0x02, &[0; 90]);
        fragments.extend(frame(0x80, &[0; 11]));
        assert_eq!(read(&fragments, 6, 100), Err(Violation::TooBig));
        let huge = [
            0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
        ];
        assert_eq!(read(&huge, 14, 100), Err(Violation::TooBig));
    }

    #[test]
    fn memory_follows_what_arrived_and_not_what_was_announced() {
        let mut reader = FrameReader::default();
        let bytes = frame(0x82, &vec![0; 1 << 20]);
        let mut input = &bytes[..1_000];
        assert_eq!(reader.next(&mut input, 1 << 20), Ok(None));
        assert!(reader.message.capacity() < 4_096);
        let mut input = &bytes[1_000..];
        assert!(matches!(
            reader.next(&mut input, 1 << 20),
            Ok(Some(Event::Binary(_)))
        ));
        assert_eq!(reader.message.capacity(), 0, "nothing is kept after the message");
    }

    #[test]
    fn frames_that_break_the_rules_are_refused() {
        for (bytes, what) in [
            (vec![0x82, 0x01, 0x00], "not masked"),
            (frame(0xc2, b"x"), "reserved bit"),
            (frame(0x83, b"x"), "reserved opcode"),
            (frame(0x8b, b"x"), "reserved control opcode"),
            (frame(0x09, b"x"), "fragmented ping"),
            (frame(0x89, &[0; 126]), "long ping"),
            (frame(0x80, b"x"), "continuation of nothing"),
            (
                [frame(0x02, b"x"), frame(0x82, b"y")].concat(),
                "message inside a message",
            ),
            (frame(0x88, b"x"), "close code of one byte"),
            (
                frame(0x88, &1005u16.to_be_bytes()),
                "close code that may not be sent",
            ),
            (frame(0x88, &999u16.to_be_bytes()), "close code out of range"),
        ] {
            for piece in [1, bytes.len()] {
                assert!(
                    matches!(read(&bytes, piece, 1_000), Err(Violation::Protocol(_))),
                    "{what}"
                );
            }
        }
        let mut reason = 1000u16.to_be_bytes().to_vec();
        reason.push(0xff);
        assert_eq!(read(&frame(0x88, &reason), 99, 1_000), Err(Violation::NotUtf8));
    }

    #[test]
    fn close_frames_carry_their_code() {
        assert_eq!(read(&frame(0x88, b""), 99, 10).unwrap(), [Event::Close(None)]);
        let mut payload = 4_001u16.to_be_bytes().to_vec();
        payload.extend_from_slice(b"bye");
        assert_eq!(
            read(&frame(0x88, &payload), 1, 10).unwrap(),
            [Event::Close(Some(4_001))]
        );
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
                                       piece in 1usize..64) {
            let mut reader = FrameReader::default();
            'all: for mut input in bytes.chunks(piece) {
                loop {
                    match reader.next(&mut input, 300) {
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => break 'all,
                    }
                }
            }
            proptest::prop_assert!(reader.message.capacity() <= 1_024);
        }
    }
}
