//! Collects messages of an offline queue into lists within the limits of wire-protocol 7.14.

use tim_protocol::wire::TimMessage;
use tim_protocol::{Encoding, WireStruct};

use crate::engine::settings::DeliverySettings;
use crate::store::Seq;

/// A list that is being filled.
pub(super) struct OfflineList<'a> {
    settings: &'a DeliverySettings,
    seqs: Vec<Seq>,
    messages: Vec<TimMessage>,
    bytes: usize,
}

impl<'a> OfflineList<'a> {
    pub(super) fn new(settings: &'a DeliverySettings) -> Self {
        Self {
            settings,
            seqs: Vec::new(),
            messages: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds a message; answers the list before it when that was full.
    pub(super) fn add(
        &mut self,
        seq: Seq,
        message: TimMessage,
        encoding: Encoding,
    ) -> Option<(Vec<Seq>, Vec<TimMessage>)> {
        // 32 bytes are ample for the frame of the list around its messages.
        let size = message.encode(encoding).len() + 1;
        let is_full = self.messages.len() >= self.settings.offline_batch
            || !self.messages.is_empty() && self.bytes + size + 32 > self.settings.offline_batch_bytes;
        let full = if is_full { self.finish() } else { None };
        self.bytes += size;
        self.seqs.push(seq);
        self.messages.push(message);
        full
    }

    pub(super) fn finish(&mut self) -> Option<(Vec<Seq>, Vec<TimMessage>)> {
        self.bytes = 0;
        let list = (std::mem::take(&mut self.seqs), std::mem::take(&mut self.messages));
        (!list.0.is_empty()).then_some(list)
    }
}
