//! Finding people and rooms, and what has been delivered.

use serde::Deserialize;
use serde_json::json;
use tim_protocol::Node;

use super::exchange::Body;
use super::{WebApi, WebError, answers, encoded};
use crate::message::Mid;
use crate::room::{RoomId, RoomKind};

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Where the part before ended ([`Page::next`]). `None`: from the beginning.
    pub after: Option<String>,
    /// Longest list wanted, 1 to 500.
    pub limit: u16,
}

impl Default for PageRequest {
    /// The first 100.
    fn default() -> Self {
        Self {
            after: None,
            limit: 100,
        }
    }
}

impl PageRequest {
    fn query(&self) -> String {
        let limit = self.limit.clamp(1, 500);
        match &self.after {
            Some(after) => format!("?limit={limit}&after={}", encoded(after)),
            None => format!("?limit={limit}"),
        }
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Where the next part begins ([`PageRequest::after`]). `None`: this was the last.
    pub next: Option<String>,
}

/// Somebody of the own domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Person {
    /// Address.
    pub node: Node,
    /// Nickname, if one is set.
    pub nickname: Option<String>,
    /// Address of the picture, see [`WebApi::url`].
    pub picture: Option<String>,
}

/// A room of the own domain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomEntry {
    /// Address.
    pub room: RoomId,
    /// Title.
    pub topic: Option<String>,
    /// Address of the picture, see [`WebApi::url`].
    pub picture: Option<String>,
    /// Who may join.
    pub kind: RoomKind,
    /// Who created it.
    pub founder: Option<Node>,
}

#[derive(Deserialize)]
struct Entry {
    node: String,
    nickname: Option<String>,
    topic: Option<String>,
    picture: Option<String>,
    kind: Option<String>,
    founder: Option<String>,
}

impl Entry {
    fn person(self) -> Result<Person, WebError> {
        Ok(Person {
            node: answers::node(&self.node)?,
            nickname: self.nickname,
            picture: self.picture,
        })
    }

    fn room(self) -> Result<RoomEntry, WebError> {
        Ok(RoomEntry {
            room: answers::node(&self.node)?.into(),
            topic: self.topic,
            picture: self.picture,
            kind: match self.kind.as_deref() {
                Some("open") => RoomKind::Open,
                _ => RoomKind::Private,
            },
            founder: self.founder.as_deref().map(answers::node).transpose()?,
        })
    }
}

#[derive(Deserialize)]
struct Entries {
    #[serde(alias = "people", alias = "rooms")]
    entries: Vec<Entry>,
    next: Option<String>,
}

fn page<T>(text: &str, entry: impl Fn(Entry) -> Result<T, WebError>) -> Result<Page<T>, WebError> {
    let list: Entries = answers::read(text)?;
    Ok(Page {
        entries: list.entries.into_iter().map(entry).collect::<Result<_, _>>()?,
        next: list.next,
    })
}

impl WebApi {
    /// The node of the account with that name.
    ///
    /// # Errors
    /// Refusals: 404 with 4106 there is none, 429 asked too often. See [`WebError`].
    pub async fn find_person(&self, name: &str) -> Result<Node, WebError> {
        #[derive(Deserialize)]
        struct Answer {
            node: String,
        }
        let body = Body::Json(json!({ "name": name }));
        let text = self.call("POST", "/client/v1/people/find", body).await?;
        answers::node(&answers::read::<Answer>(&text)?.node)
    }

    /// A part of the list of all people of the own domain.
    ///
    /// # Errors
    /// Refusals: 403 the list is switched off. See [`WebError`].
    pub async fn people(&self, part: &PageRequest) -> Result<Page<Person>, WebError> {
        let path = format!("/client/v1/people{}", part.query());
        page(&self.call("GET", &path, Body::None).await?, Entry::person)
    }

    /// A part of the list of all rooms of the own domain.
    ///
    /// # Errors
    /// Refusals: 403 the list is switched off. See [`WebError`].
    pub async fn rooms(&self, part: &PageRequest) -> Result<Page<RoomEntry>, WebError> {
        let path = format!("/client/v1/rooms{}", part.query());
        page(&self.call("GET", &path, Body::None).await?, Entry::room)
    }

    /// Up to which message the conversation with that user has reached at least one device of theirs. `None`: not one.
    ///
    /// # Errors
    /// See [`WebError`].
    pub async fn delivered(&self, peer: &Node) -> Result<Option<Mid>, WebError> {
        #[derive(Deserialize)]
        struct Answer {
            mid: i64,
        }
        let path = format!("/client/v1/delivered?peer={}", encoded(peer.as_str()));
        let text = self.call("GET", &path, Body::None).await?;
        Ok(Mid::new(answers::read::<Answer>(&text)?.mid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_with_what_may_be_missing() {
        let text = r#"{"people": [{"node": "KTnkUSxBpAxBqjvk1seKTD", "nickname": "Al"}], "next": "c1"}"#;
        let people = page(text, Entry::person).unwrap();
        assert_eq!(people.entries[0].nickname.as_deref(), Some("Al"));
        assert_eq!(people.next.as_deref(), Some("c1"));

        let text = r#"{"rooms": [{"node": "KTnkUSxBpAxBqjvk1seKTD", "kind": "open", "topic": "Choir",
            "founder": "EFnqAi78cCQw52qiyhDMr3"}]}"#;
        let rooms = page(text, Entry::room).unwrap();
        assert_eq!(rooms.entries[0].kind, RoomKind::Open);
        assert_eq!(rooms.next, None);
    }
}
