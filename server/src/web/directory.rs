//! Finding people, lists of people and rooms, and how far a conversation has been delivered.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tim_protocol::error_code::ErrorCode;

use super::Web;
use super::answer::{Refusal, json};
use super::request::json_body;
use super::visit::Visit;
use crate::engine::listing::{ListedPerson, ListedRoom, ListingError, PAGE};
use crate::store::RoomKind;

/// Entries of a page when the request does not say.
const USUAL_PAGE: usize = 100;

type Asked<T> = Result<Query<T>, QueryRejection>;

#[derive(Deserialize)]
pub(super) struct Name {
    name: String,
}

#[derive(Deserialize)]
pub(super) struct PageRequest {
    after: Option<String>,
    limit: Option<usize>,
}

impl PageRequest {
    fn limit(&self) -> Result<usize, Refusal> {
        let limit = self.limit.unwrap_or(USUAL_PAGE);
        let is_valid = (1..=PAGE).contains(&limit);
        is_valid
            .then_some(limit)
            .ok_or_else(|| Refusal::malformed(format!("limit is 1 to {PAGE}")))
    }
}

#[derive(Deserialize)]
pub(super) struct Peer {
    peer: String,
}

#[derive(Serialize)]
struct Person {
    node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
}

impl From<ListedPerson> for Person {
    fn from(person: ListedPerson) -> Self {
        Self {
            node: person.account.as_str().to_owned(),
            nickname: person.nickname,
            picture: person.picture,
        }
    }
}

#[derive(Serialize)]
struct Room {
    node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
    kind: &'static str,
    founder: String,
}

impl From<ListedRoom> for Room {
    fn from(room: ListedRoom) -> Self {
        Self {
            node: room.room.as_str().to_owned(),
            topic: room.topic,
            picture: room.picture,
            kind: match room.kind {
                RoomKind::Open => "open",
                RoomKind::Private => "private",
            },
            founder: room.founder.as_str().to_owned(),
        }
    }
}

impl From<ListingError> for Refusal {
    fn from(error: ListingError) -> Self {
        match error {
            ListingError::SwitchedOff => {
                Self::new(StatusCode::FORBIDDEN, ErrorCode::Interface, "switched off")
            }
            ListingError::TooMany(pause) => Self::too_many(ErrorCode::OverHz, "too many questions", pause),
            ListingError::Refused(code) => code.into(),
        }
    }
}

pub(super) async fn find(State(web): State<Arc<Web>>, visit: Visit, body: Body) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Found<'a> {
        node: &'a str,
    }
    let asked: Name = json_body(&web, body).await?;
    let found = web.engine.find_person(&visit.visitor, &asked.name).await?;
    let answer = Found { node: found.as_str() };
    Ok(json(StatusCode::OK, &answer))
}

pub(super) async fn people(
    State(web): State<Arc<Web>>,
    visit: Visit,
    asked: Asked<PageRequest>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct People {
        people: Vec<Person>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    }
    let asked = understood(asked)?;
    let (after, limit) = (asked.after.as_deref(), asked.limit()?);
    let page = web.engine.list_people(&visit.visitor, after, limit).await?;
    let answer = People {
        people: page.entries.into_iter().map(Person::from).collect(),
        next: page.next,
    };
    Ok(json(StatusCode::OK, &answer))
}

pub(super) async fn rooms(
    State(web): State<Arc<Web>>,
    visit: Visit,
    asked: Asked<PageRequest>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Rooms {
        rooms: Vec<Room>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    }
    let asked = understood(asked)?;
    let (after, limit) = (asked.after.as_deref(), asked.limit()?);
    let page = web.engine.list_rooms(&visit.visitor, after, limit).await?;
    let answer = Rooms {
        rooms: page.entries.into_iter().map(Room::from).collect(),
        next: page.next,
    };
    Ok(json(StatusCode::OK, &answer))
}

pub(super) async fn delivered(
    State(web): State<Arc<Web>>,
    visit: Visit,
    asked: Asked<Peer>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Delivered {
        mid: i64,
    }
    let asked = understood(asked)?;
    let mid = web.engine.delivered(&visit.visitor, &asked.peer).await?;
    Ok(json(StatusCode::OK, &Delivered { mid }))
}

fn understood<T>(asked: Asked<T>) -> Result<T, Refusal> {
    let Query(asked) = asked.map_err(|error| Refusal::malformed(error.body_text()))?;
    Ok(asked)
}
