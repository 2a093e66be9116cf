//! Messages: building, sending, history, the offline queue.

use tim_protocol::ErrorCode;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{Tid, TimMessage, TimReq};

use crate::{Client, Received, secrets};

/// A message to a user, as clients build it, with the mark of message texts.
pub fn message(to: &str, words: &str) -> TimMessage {
    TimMessage {
        ms_type: 2,
        od_type: 1,
        to_tid: Some(tid(to)),
        data_string: Some(secrets::text(words)),
        ..TimMessage::default()
    }
}

/// A bare address.
pub fn tid(node: &str) -> Tid {
    Tid {
        node: node.to_owned(),
        ..Tid::default()
    }
}

/// A recall (odType 2) or burn (odType 3).
pub fn retraction(od_type: i8, to: &str, mid: i64) -> TimMessage {
    TimMessage {
        ms_type: 2,
        od_type,
        mid: Some(mid),
        to_tid: Some(tid(to)),
        ..TimMessage::default()
    }
}

/// The words that [`message`] was given.
///
/// # Panics
/// When the message has no such text.
pub fn words(message: &TimMessage) -> &str {
    let text = message.data_string.as_deref();
    let words = text.and_then(|text| text.strip_suffix(secrets::TEXT));
    words
        .unwrap_or_else(|| panic!("not a text: {message:?}"))
        .trim_end()
}

/// The words of several messages.
pub fn all_words(messages: &[TimMessage]) -> Vec<&str> {
    messages.iter().map(words).collect()
}

impl Client {
    /// Sends a message of type 90.
    pub async fn send_message(&mut self, message: &TimMessage) {
        self.send(PacketType::Message, message).await;
    }

    /// Sends a text and takes the echo.
    pub async fn chat(&mut self, to: &str, words: &str) -> TimMessage {
        self.send_message(&message(to, words)).await;
        self.echo().await
    }

    /// Takes an echo: a message that is not synchronous and comes from this account.
    ///
    /// # Panics
    /// When something else comes.
    pub async fn echo(&mut self) -> TimMessage {
        let received = self.take(PacketType::Message).await;
        assert_eq!(received.send_id, None, "an echo is not synchronous: {received:?}");
        let echo = received.message();
        assert_eq!(echo.from_tid.as_ref().map(|from| &from.node), Some(&self.node));
        echo
    }

    /// Takes a synchronous message.
    ///
    /// # Panics
    /// When something else comes.
    pub async fn delivery(&mut self) -> TimMessage {
        let received = self.take(PacketType::Message).await;
        assert!(
            received.send_id.is_some(),
            "a delivery is synchronous: {received:?}"
        );
        received.message()
    }

    /// Sends a message that must be refused with that code.
    pub async fn refused_message(&mut self, message: &TimMessage, code: ErrorCode) {
        self.send_message(message).await;
        self.expect(PacketType::Ack)
            .await
            .refusal(PacketType::Message, code);
    }

    /// Sends a history request.
    pub async fn ask_history(&mut self, request: &TimReq) {
        self.send(PacketType::PullMessage, request).await;
    }

    /// A page of the history with `node`: from mid `upper` (0: the newest) at most `count` messages. An empty
    /// page is no packet.
    ///
    /// # Panics
    /// When more than one page comes.
    pub async fn history(&mut self, node: &str, upper: i64, count: i64) -> Vec<TimMessage> {
        self.ask_history(&history_request(node, upper, count)).await;
        let mut pages: Vec<Received> = self.drain().await;
        match pages.len() {
            0 => Vec::new(),
            1 => {
                let page = pages.remove(0);
                assert_eq!((page.kind, page.send_id), (PacketType::PullMessage, None));
                let list = page.list();
                assert!(!list.is_empty(), "an empty page is not sent");
                list
            }
            _ => panic!("one page was expected: {pages:?}"),
        }
    }

    /// The whole history with `node`, oldest first.
    pub async fn whole_history(&mut self, node: &str) -> Vec<TimMessage> {
        let mut all = Vec::new();
        let mut upper = 0;
        loop {
            let page = self.history(node, upper, 100).await;
            let Some(oldest) = page.last().and_then(|message| message.mid) else {
                break;
            };
            all.extend(page);
            if oldest <= 1 {
                break;
            }
            upper = oldest - 1;
        }
        all.reverse();
        all
    }

    /// Asks for the offline queue and takes batches up to the end marker. Packets of other types are kept.
    pub async fn offline(&mut self) -> Vec<Vec<TimMessage>> {
        self.send_empty(PacketType::OfflineMsg).await;
        let mut batches = Vec::new();
        let mut others = Vec::new();
        loop {
            let received = self.next().await;
            match received.kind {
                PacketType::OfflineMsg => {
                    assert!(received.send_id.is_some(), "a batch is synchronous: {received:?}");
                    batches.push(received.list());
                }
                PacketType::OfflineMsgEnd => break,
                _ => others.push(received),
            }
        }
        self.put_back(others);
        batches
    }
}

/// A request for a page of the history with a user.
pub fn history_request(node: &str, upper: i64, count: i64) -> TimReq {
    TimReq {
        rtype: Some(1),
        node: Some(node.to_owned()),
        req_int: Some(upper),
        req_int2: Some(count),
        ..TimReq::default()
    }
}
