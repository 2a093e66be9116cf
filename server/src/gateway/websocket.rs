//! The server's side of RFC 6455 framing, without I/O. The header format is
//! tungstenite's; the buffers are our own, because an idle connection must hold none at all, and
//! no allocation may be sized by a length that a header merely announces.

mod reader;
mod writer;

pub(super) use reader::{Event, FrameReader};
pub(super) use writer::{put_binary_header, put_close, put_pong, put_text_header};

/// Longest payload of a control frame.
const CONTROL_LIMIT: usize = 125;
