//! The server's side of RFC 6455 framing, without I/O. The header format and the close codes are
//! tungstenite's; the buffers are our own, because an idle connection must hold none at all, and
//! no allocation may be sized by a length that a header merely announces.

mod reader;
mod writer;

pub(super) use reader::{Event, FrameReader};
pub(super) use writer::{put_close, put_header, put_packet, put_pong};

/// Longest payload of a control frame.
const CONTROL_LIMIT: usize = 125;
