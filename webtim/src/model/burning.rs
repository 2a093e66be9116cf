//! Messages that were uncovered and are about to be burned.

use std::collections::BTreeMap;

use super::ChatId;

/// Messages that were uncovered, and when they burn: in milliseconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Burning {
    open: BTreeMap<(ChatId, i64), i64>,
}

impl Burning {
    /// When a message burns, if it was uncovered.
    #[must_use]
    pub fn deadline(&self, chat: &ChatId, mid: i64) -> Option<i64> {
        self.open.get(&(chat.clone(), mid)).copied()
    }

    /// It was uncovered. A second time changes nothing.
    pub fn uncover(&mut self, chat: &ChatId, mid: i64, deadline: i64) {
        self.open.entry((chat.clone(), mid)).or_insert(deadline);
    }

    /// It is burned.
    pub fn burned(&mut self, chat: &ChatId, mid: i64) {
        self.open.remove(&(chat.clone(), mid));
    }

    /// What has to be burned at that time.
    #[must_use]
    pub fn due(&self, now: i64) -> Vec<(ChatId, i64)> {
        self.open
            .iter()
            .filter(|(_, deadline)| **deadline <= now)
            .map(|(message, _)| message.clone())
            .collect()
    }

    /// When the next one burns.
    #[must_use]
    pub fn next(&self) -> Option<i64> {
        self.open.values().copied().min()
    }

    /// For the storage of the browser: what was uncovered burns also when the page was closed meanwhile.
    #[must_use]
    pub fn to_json(&self) -> String {
        let lines: Vec<(String, i64, i64)> = self
            .open
            .iter()
            .map(|((chat, mid), deadline)| (chat.to_string(), *mid, *deadline))
            .collect();
        serde_json::to_string(&lines).unwrap_or_default()
    }

    /// From what [`Burning::to_json`] made.
    #[must_use]
    pub fn from_json(text: &str) -> Self {
        let lines: Vec<(String, i64, i64)> = serde_json::from_str(text).unwrap_or_default();
        let open = lines
            .into_iter()
            .filter_map(|(chat, mid, deadline)| Some(((ChatId::parse(&chat)?, mid), deadline)));
        Self { open: open.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_burn_when_their_time_has_come_also_after_a_reload() {
        let chat = ChatId::parse("u:abc").unwrap();
        let mut burning = Burning::default();
        burning.uncover(&chat, 7, 1000);
        burning.uncover(&chat, 7, 9000);
        burning.uncover(&chat, 8, 2000);
        assert_eq!(
            (burning.deadline(&chat, 7), burning.next()),
            (Some(1000), Some(1000))
        );
        let mut again = Burning::from_json(&burning.to_json());
        assert_eq!(again, burning);
        assert_eq!(again.due(999), []);
        assert_eq!(again.due(1000), [(chat.clone(), 7)]);
        again.burned(&chat, 7);
        assert_eq!(again.next(), Some(2000));
        assert_eq!(Burning::from_json("?"), Burning::default());
    }
}
