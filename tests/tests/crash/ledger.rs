//! What is known of one conversation: the messages that were sent, how they were acknowledged, and what reached
//! the application on each device.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use tim_protocol::wire::TimMessage;
use tim_tests::chat::words;

/// A message as a device sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting<'a> {
    /// Who wrote it.
    pub(crate) author: &'a str,
    /// Its number in the conversation.
    pub(crate) mid: i64,
    /// What it says.
    pub(crate) words: &'a str,
}

impl<'a> Sighting<'a> {
    /// A chat message from a raw packet.
    pub(crate) fn of(message: &'a TimMessage) -> Self {
        Self {
            author: &message.from_tid.as_ref().expect("a sender").node,
            mid: message.mid.expect("a chat message has a number"),
            words: words(message),
        }
    }
}

/// A message that was sent at least once.
#[derive(Clone, Debug)]
struct Entry {
    author: String,
    text: String,
    /// Number and time of its echoes.
    acknowledged: Option<(i64, i64)>,
}

/// The book of one conversation. All checks panic with what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<HashMap<(String, i64), Entry>>,
}

impl Ledger {
    /// A message is about to be sent for the first time.
    pub(crate) fn submitted(&self, author: &str, id: i64, text: &str) {
        let entry = Entry {
            author: author.to_owned(),
            text: text.to_owned(),
            acknowledged: None,
        };
        let earlier = self
            .entries
            .lock()
            .unwrap()
            .insert((author.to_owned(), id), entry);
        assert!(earlier.is_none(), "{id} was used before");
    }

    /// Its echo arrived.
    pub(crate) fn acknowledged(&self, id: i64, echo: Sighting<'_>, timestamp: i64) {
        let now = (echo.mid, timestamp);
        let author = echo.author;
        let mut entries = self.entries.lock().unwrap();
        let entry = entries
            .get_mut(&(author.to_owned(), id))
            .expect("an echo of something that was sent");
        assert_eq!(echo.words, entry.text, "the echo of {id}");
        match entry.acknowledged {
            None => entry.acknowledged = Some(now),
            Some(before) => assert_eq!(before, now, "the same echo as before"),
        }
    }

    /// Checks the whole history, oldest first.
    pub(crate) fn check_history(&self, history: &[TimMessage]) {
        let entries = self.entries.lock().unwrap();
        let mids: Vec<i64> = history.iter().map(|message| message.mid.unwrap()).collect();
        let dense: Vec<i64> = (1..=i64::try_from(history.len()).unwrap()).collect();
        assert_eq!(mids, dense, "the numbers of the history are dense");
        let mut by_text: HashMap<(&str, &str), &Entry> = HashMap::new();
        for entry in entries.values() {
            by_text.insert((&entry.author, &entry.text), entry);
        }
        for message in history {
            let author = message.from_tid.as_ref().unwrap().node.as_str();
            let entry = by_text
                .remove(&(author, words(message)))
                .unwrap_or_else(|| panic!("invented or stored twice: {message:?}"));
            let (mid, timestamp) = entry
                .acknowledged
                .expect("everything was sent until it was acknowledged");
            assert_eq!((Some(mid), Some(timestamp)), (message.mid, message.timestamp));
        }
        assert!(by_text.is_empty(), "lost: {:?}", by_text.values());
        // A sender's messages are in the order of its sends, which number them.
        let mut last: BTreeMap<&str, i64> = BTreeMap::new();
        let mut ordered: Vec<_> = entries.iter().collect();
        ordered.sort_by_key(|((_, id), _)| *id);
        for ((author, id), entry) in ordered {
            let mid = entry.acknowledged.unwrap().0;
            let before = last.insert(author, mid).unwrap_or(0);
            assert!(before < mid, "message {id} overtook the one before it");
        }
    }

    /// What the messages with these numbers say.
    pub(crate) fn describe(&self, mids: &[i64]) -> Vec<String> {
        let entries = self.entries.lock().unwrap();
        let wanted = |entry: &&Entry| entry.acknowledged.is_some_and(|(mid, _)| mids.contains(&mid));
        entries
            .values()
            .filter(wanted)
            .map(|entry| format!("{entry:?}"))
            .collect()
    }

    /// Numbers up to which the conversation is complete, when nothing is on its way any more.
    pub(crate) fn complete_up_to(&self) -> Option<i64> {
        let entries = self.entries.lock().unwrap();
        let all_acknowledged = entries.values().all(|entry| entry.acknowledged.is_some());
        all_acknowledged.then(|| i64::try_from(entries.len()).unwrap())
    }
}

/// What the application on one device has seen, with the duplicates removed that the protocol allows.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    label: String,
    texts: BTreeMap<i64, (String, String)>,
    newest_delivered: i64,
}

impl Seen {
    /// Nothing yet.
    pub(crate) fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            ..Self::default()
        }
    }

    /// A delivery, live or from the offline queue. Deliveries come in `mid` order apart from repeats. Answers
    /// whether it is new.
    pub(crate) fn delivered(&mut self, message: Sighting<'_>) -> bool {
        let is_new = self.note(message);
        if is_new {
            assert!(
                message.mid > self.newest_delivered,
                "{}: {} came after {}",
                self.label,
                message.mid,
                self.newest_delivered
            );
            self.newest_delivered = message.mid;
        }
        is_new
    }

    /// The echo of an own message of this device. Takes its place whenever it comes.
    pub(crate) fn echoed(&mut self, message: Sighting<'_>) {
        self.note(message);
    }

    /// Whether it is new. A repeat must be the same message.
    fn note(&mut self, message: Sighting<'_>) -> bool {
        let now = (message.author.to_owned(), message.words.to_owned());
        match self.texts.get(&message.mid) {
            None => {
                self.texts.insert(message.mid, now);
                true
            }
            Some(before) => {
                assert_eq!(
                    *before, now,
                    "{}: number {} was another message before",
                    self.label, message.mid
                );
                false
            }
        }
    }

    /// Whether everything up to `mid` was seen.
    pub(crate) fn is_complete_up_to(&self, mid: i64) -> bool {
        self.texts.len() == usize::try_from(mid).unwrap()
            && self.texts.keys().next_back().copied().unwrap_or(0) == mid
    }

    /// What is missing up to `mid`, for the message of a failure.
    pub(crate) fn missing(&self, mid: i64) -> Vec<i64> {
        (1..=mid).filter(|mid| !self.texts.contains_key(mid)).collect()
    }
}
