//! A script: what several clients do, step by step, as text that can be read and edited.
//!
//! ```text
//! # alice logs in and greets bob
//! 0 packet \x10\x18\x0calice~~~~~~~\x18\x06secret\x00
//! settle
//! 0 acknowledge
//! ```
//!
//! Packets hold placeholders for what is only known while the script runs: `alice~~~~~~~` is the login name and
//! `@alice@@@@@@@@@@@@@@@@` the node of an account that exists, `@room0@@@@@@@@@@@@@@@@` the first room that was made.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

/// Connections that a script may use.
pub const CONNECTIONS: u8 = 6;
/// Steps of a script.
pub const MAX_STEPS: usize = 120;
/// Bytes of one step.
pub const MAX_BYTES: usize = 100_000;

/// One thing that a client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends one binary message. Opens the connection if need be, as everything but the last three does.
    Packet(u8, Vec<u8>),
    /// Sends one text message.
    Text(u8, Vec<u8>),
    /// Sends bytes below WebSocket.
    Raw(u8, Vec<u8>),
    /// Sends the body of a request to `/tim2`.
    Http(Vec<u8>),
    /// Acknowledges everything that has arrived and is not acknowledged.
    Acknowledge(u8),
    /// Sends a close frame.
    Close(u8),
    /// Ends the connection without a word.
    Cut(u8),
    /// Waits until the server has answered everything so far.
    Settle,
}

impl Step {
    /// The bytes it sends.
    pub fn bytes(&self) -> Option<&Vec<u8>> {
        match self {
            Self::Packet(_, bytes) | Self::Text(_, bytes) | Self::Raw(_, bytes) | Self::Http(bytes) => {
                Some(bytes)
            }
            Self::Acknowledge(_) | Self::Close(_) | Self::Cut(_) | Self::Settle => None,
        }
    }

    /// The same, to be changed.
    pub fn bytes_mut(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Packet(_, bytes) | Self::Text(_, bytes) | Self::Raw(_, bytes) | Self::Http(bytes) => {
                Some(bytes)
            }
            Self::Acknowledge(_) | Self::Close(_) | Self::Cut(_) | Self::Settle => None,
        }
    }

    /// The connection it happens on, to be changed.
    pub fn connection_mut(&mut self) -> Option<&mut u8> {
        match self {
            Self::Packet(connection, _)
            | Self::Text(connection, _)
            | Self::Raw(connection, _)
            | Self::Acknowledge(connection)
            | Self::Close(connection)
            | Self::Cut(connection) => Some(connection),
            Self::Http(_) | Self::Settle => None,
        }
    }
}

/// What several clients do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script(pub Vec<Step>);

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// Names the line that is none.
    pub fn parse(text: &str) -> Result<Self> {
        let mut steps = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_end_matches('\r');
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            steps.push(parse_step(line).with_context(|| format!("line {}: {line}", number + 1))?);
        }
        Ok(Self(steps))
    }

    /// Bytes that it sends.
    pub fn size(&self) -> usize {
        self.0.iter().filter_map(Step::bytes).map(Vec::len).sum()
    }
}

impl std::fmt::Display for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for step in &self.0 {
            match step {
                Step::Packet(connection, bytes) => writeln!(f, "{connection} packet {}", escape(bytes)),
                Step::Text(connection, bytes) => writeln!(f, "{connection} text {}", escape(bytes)),
                Step::Raw(connection, bytes) => writeln!(f, "{connection} raw {}", escape(bytes)),
                Step::Http(bytes) => writeln!(f, "http {}", escape(bytes)),
                Step::Acknowledge(connection) => writeln!(f, "{connection} acknowledge"),
                Step::Close(connection) => writeln!(f, "{connection} close"),
                Step::Cut(connection) => writeln!(f, "{connection} cut"),
                Step::Settle => writeln!(f, "settle"),
            }?;
        }
        Ok(())
    }
}

fn parse_step(line: &str) -> Result<Step> {
    if line == "settle" {
        return Ok(Step::Settle);
    }
    let (first, rest) = line.split_once(' ').context("nothing behind the first word")?;
    if first == "http" {
        return Ok(Step::Http(unescape(rest)?));
    }
    let connection: u8 = first.parse().context("the number of a connection")?;
    if connection >= CONNECTIONS {
        bail!("there are {CONNECTIONS} connections");
    }
    let (word, bytes) = rest.split_once(' ').unwrap_or((rest, ""));
    Ok(match word {
        "packet" => Step::Packet(connection, unescape(bytes)?),
        "text" => Step::Text(connection, unescape(bytes)?),
        "raw" => Step::Raw(connection, unescape(bytes)?),
        "acknowledge" => Step::Acknowledge(connection),
        "close" => Step::Close(connection),
        "cut" => Step::Cut(connection),
        other => bail!("no step is called {other:?}"),
    })
}

/// Visible ASCII as it is, everything else as `\xNN`.
fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for &byte in bytes {
        if byte != b'\\' && (byte.is_ascii_graphic() || byte == b' ') {
            text.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _written = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

fn unescape(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        if first != b'\\' {
            bytes.push(first);
            rest = behind;
            continue;
        }
        let digits = behind.get(1..3).context("\\x and two digits")?;
        if behind.first() != Some(&b'x') {
            bail!("\\x and two digits");
        }
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits)?, 16)?);
        rest = behind.get(3..).unwrap_or_default();
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_the_same_after_writing_and_reading() {
        let script = Script(vec![
            Step::Packet(0, (0..=255).collect()),
            Step::Text(1, "{\"ä\\\": 1}".as_bytes().to_vec()),
            Step::Raw(5, vec![]),
            Step::Http(b"\x0e ".to_vec()),
            Step::Acknowledge(2),
            Step::Close(3),
            Step::Cut(4),
            Step::Settle,
        ]);
        assert_eq!(Script::parse(&script.to_string()).unwrap(), script);
    }

    #[test]
    fn lines_that_are_no_steps_are_refused() {
        for line in ["6 close", "x packet", "0 leap", "0 packet \\x0", "http"] {
            assert!(Script::parse(line).is_err(), "{line}");
        }
        assert_eq!(Script::parse("# nothing\n\n").unwrap(), Script::default());
    }
}
