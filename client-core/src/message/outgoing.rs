//! Messages to be sent, and their form on the wire (`wire-protocol 7.6`).

use std::collections::BTreeMap;

use bytes::Bytes;
use tim_protocol::Node;
use tim_protocol::wire::{Tid, TimMessage};

use super::MessageKind;
use super::translate::USER;
use crate::error::SendError;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    pub(crate) kind: MessageKind,
    pub(crate) text: Option<String>,
    pub(crate) binary: Option<Bytes>,
    pub(crate) content_type: Option<i16>,
    pub(crate) display: Option<i16>,
    pub(crate) extend: BTreeMap<String, String>,
    pub(crate) extra: BTreeMap<String, Bytes>,
}

impl Outgoing {
    fn new(kind: MessageKind, text: Option<String>, binary: Option<Bytes>) -> Self {
        Self {
            kind,
            text,
            binary,
            content_type: None,
            display: None,
            extend: BTreeMap::new(),
            extra: BTreeMap::new(),
        }
    }

    /// A chat message with text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(MessageKind::Chat, Some(text.into()), None)
    }

    /// A chat message with binary content.
    pub fn binary(binary: impl Into<Bytes>) -> Self {
        Self::new(MessageKind::Chat, None, Some(binary.into()))
    }

    /// A message of an application-defined kind, 31 to 127. Other numbers are refused when it is sent.
    #[must_use]
    pub fn application(number: i8) -> Self {
        Self::new(MessageKind::Application(number), None, None)
    }

    /// Live data for devices that are online now.
    pub fn stream(binary: impl Into<Bytes>) -> Self {
        Self::new(MessageKind::Stream, None, Some(binary.into()))
    }

    /// A large text for devices that are online now.
    pub fn big_text(text: impl Into<String>) -> Self {
        Self::new(MessageKind::BigText, Some(text.into()), None)
    }

    /// Large binary data for devices that are online now.
    pub fn big_binary(binary: impl Into<Bytes>) -> Self {
        Self::new(MessageKind::BigBinary, None, Some(binary.into()))
    }

    /// Adds or replaces the text.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Adds or replaces the binary content.
    #[must_use]
    pub fn with_binary(mut self, binary: impl Into<Bytes>) -> Self {
        self.binary = Some(binary.into());
        self
    }

    /// Sets the content type, defined by the application (`udtype`).
    #[must_use]
    pub fn with_content_type(mut self, content_type: i16) -> Self {
        self.content_type = Some(content_type);
        self
    }

    /// Sets the display hint, defined by the application (`udshow`).
    #[must_use]
    pub fn with_display(mut self, display: i16) -> Self {
        self.display = Some(display);
        self
    }

    /// Adds a text field of the application.
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extend.insert(name.into(), value.into());
        self
    }

    /// Adds a binary field of the application.
    #[must_use]
    pub fn with_binary_field(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }

    /// What kind of message this is.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Bytes of content: texts, binary data, names and values of fields.
    #[must_use]
    pub fn size(&self) -> usize {
        self.text.as_ref().map_or(0, String::len)
            + self.binary.as_ref().map_or(0, Bytes::len)
            + self
                .extend
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum::<usize>()
            + self
                .extra
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum::<usize>()
    }

    pub(crate) fn check(&self) -> Result<(), SendError> {
        match self.kind {
            MessageKind::Application(..=30) => {
                Err(SendError::Invalid("application-defined kinds are 31 to 127"))
            }
            MessageKind::BigText if self.text.is_none() => Err(SendError::Invalid("a big text needs text")),
            MessageKind::BigBinary if self.binary.is_none() => {
                Err(SendError::Invalid("big binary data needs binary content"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn into_wire(self, peer: &Node, id: Option<i64>) -> TimMessage {
        TimMessage {
            ms_type: USER,
            od_type: self.kind.od_type(),
            id,
            to_tid: Some(Tid {
                node: peer.as_str().to_owned(),
                ..Tid::default()
            }),
            data_string: self.text,
            data_binary: self.binary,
            udtype: self.content_type,
            udshow: self.display,
            extend: (!self.extend.is_empty()).then_some(self.extend),
            extra: (!self.extra.is_empty()).then_some(self.extra),
            ..TimMessage::default()
        }
    }
}
