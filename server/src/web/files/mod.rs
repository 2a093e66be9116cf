//! `/client/v1/files` and the pictures of profiles.

mod body;
mod download;
mod file_name;
mod range;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use tim_protocol::error_code::ErrorCode;

use super::Web;
use super::answer::{Refusal, json};
use super::visit::Visit;
use crate::engine::files::{FileError, PICTURE_BYTES, Person, PictureOf};
use crate::engine::web_sessions::Visitor;
use crate::store::FileId;
use body::Incoming;

/// How long a client should wait that brings too many files at a time.
const PLACE_PAUSE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
pub(super) struct Target {
    peer: Option<String>,
    room: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct SaveAs {
    name: Option<String>,
}

#[derive(Serialize)]
struct Taken {
    file: String,
    size: u64,
    sha256: String,
}

#[derive(Serialize)]
struct Shown {
    picture: String,
}

impl Visitor {
    fn person(&self) -> Person<'_> {
        Person {
            account: &self.account,
            domain: &self.domain,
        }
    }
}

impl From<FileError> for Refusal {
    fn from(error: FileError) -> Self {
        let text = error.to_string();
        match error {
            FileError::Refused(code) => code.into(),
            FileError::Off => Self::new(StatusCode::FORBIDDEN, ErrorCode::Interface, text),
            FileError::NotFound => Self::new(StatusCode::NOT_FOUND, ErrorCode::NoExist, text),
            FileError::InUse => Self::new(StatusCode::CONFLICT, ErrorCode::HasExist, text),
            FileError::TooLarge(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::Params, text),
            FileError::NoPicture | FileError::Size => Self::malformed(text),
            FileError::Quota(_) | FileError::NoSpace => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, ErrorCode::OverEntry, text)
            }
            FileError::TooMany => Self::too_many(ErrorCode::OverHz, text, PLACE_PAUSE),
            FileError::Busy => ErrorCode::Overload.into(),
            FileError::Failed => ErrorCode::Database.into(),
        }
    }
}

/// Takes a file. The work goes on to its end in a task of its own, which finds out when the client goes away
/// and then leaves nothing behind.
pub(super) async fn upload(
    State(web): State<Arc<Web>>,
    visit: Visit,
    Query(target): Query<Target>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    if target.peer.is_none() && target.room.is_none() {
        return Err(Refusal::malformed("peer or room has to be named"));
    }
    let size = announced_length(&headers)?;
    let kind = content_type(&headers).to_owned();
    let (peer, room) = (target.peer.as_deref(), target.room.as_deref());
    let arrival = web
        .engine
        .begin_file(visit.visitor.person(), peer, room, size)
        .await?;
    let mut incoming = Incoming::new(body);
    let taking = web.engine.operations().spawn(async move {
        let mut arrival = arrival;
        loop {
            let taken = match incoming.next().await {
                Ok(None) => return arrival.finish(&kind).await.map_err(Refusal::from),
                Ok(Some(bytes)) => arrival.write(&bytes).await.map_err(Refusal::from),
                Err(refusal) => Err(refusal),
            };
            if let Err(refusal) = taken {
                arrival.abandon().await;
                return Err(refusal);
            }
        }
    });
    let arrived = taking.await.map_err(|error| {
        tracing::error!(%error, "an upload failed");
        Refusal::from(ErrorCode::Undefined)
    })??;
    let answer = Taken {
        file: arrived.id.to_string(),
        size: arrived.size,
        sha256: hex(&arrived.sha256),
    };
    Ok(json(StatusCode::CREATED, &answer))
}

/// Gives out a file.
pub(super) async fn download(
    State(web): State<Arc<Web>>,
    visit: Visit,
    Path(id): Path<String>,
    Query(save_as): Query<SaveAs>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id = FileId::parse(&id).ok_or(FileError::NotFound)?;
    let who = visit.visitor.person();
    let file = web.engine.file(who, &id).await?;
    let wanted = download::Wanted {
        headers: &headers,
        is_head: method == Method::HEAD,
        name: save_as.name.as_deref(),
        cache: download::REVALIDATE,
    };
    download::answer(&web.engine, who, file, wanted).await
}

/// Deletes a file that no message names.
pub(super) async fn delete(
    State(web): State<Arc<Web>>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = FileId::parse(&id).ok_or(FileError::NotFound)?;
    web.engine.delete_file(visit.visitor.person(), &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Replaces the picture of the own profile.
pub(super) async fn set_own_picture(
    State(web): State<Arc<Web>>,
    visit: Visit,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    set_picture(&web, &visit, PictureOf::Myself, &headers, body).await
}

/// Replaces the picture of a room.
pub(super) async fn set_room_picture(
    State(web): State<Arc<Web>>,
    visit: Visit,
    Path(room): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    set_picture(&web, &visit, PictureOf::Room(&room), &headers, body).await
}

async fn set_picture(
    web: &Arc<Web>,
    visit: &Visit,
    of: PictureOf<'_>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let limit = PICTURE_BYTES as u64;
    let size = announced_length(headers)?;
    if size > limit {
        return Err(FileError::TooLarge(limit).into());
    }
    let bytes = Incoming::new(body).collect(PICTURE_BYTES).await?;
    if bytes.len() as u64 != size {
        return Err(FileError::Size.into());
    }
    let picture = web.engine.set_picture(visit.visitor.person(), of, &bytes).await?;
    Ok(json(StatusCode::OK, &Shown { picture }))
}

/// Gives out a picture.
pub(super) async fn picture(
    State(web): State<Arc<Web>>,
    visit: Visit,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id = FileId::parse(&id).ok_or(FileError::NotFound)?;
    let who = visit.visitor.person();
    let file = web.engine.picture(who, &id).await?;
    let wanted = download::Wanted {
        headers: &headers,
        is_head: method == Method::HEAD,
        name: None,
        cache: download::UNCHANGING,
    };
    download::answer(&web.engine, who, file, wanted).await
}

/// The length that a request says it has.
fn announced_length(headers: &HeaderMap) -> Result<u64, Refusal> {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).ok_or_else(|| {
        Refusal::new(
            StatusCode::LENGTH_REQUIRED,
            ErrorCode::Params,
            "the length of the body has to be announced",
        )
    })
}

fn content_type(headers: &HeaderMap) -> &str {
    headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
