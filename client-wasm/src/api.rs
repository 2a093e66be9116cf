//! The HTTP API: sessions that outlive the WebSocket, finding people and rooms, files and pictures.

use js_sys::{Function, Promise};
use tim_client::web::{FileId, Page, PageRequest, SignIn, SignedIn, Uploaded, WebApi};
use tim_client::{Credentials, Renewal, Secret, ServerAddress};
use wasm_bindgen::prelude::*;
use web_sys::Blob;

use crate::failure::Failure;
use crate::fields::{self, Fields};
use crate::record::{self, Record};
use crate::{promise, rooms};

/// The HTTP API of a server.
#[wasm_bindgen]
pub struct RawApi {
    api: WebApi,
}

#[wasm_bindgen]
impl RawApi {
    /// The API of a server, or of the one that served the page.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &JsValue) -> Result<RawApi, JsValue> {
        let fields = Fields(options);
        let mut api = match fields.text("server")? {
            Some(address) => {
                let address: ServerAddress = address.parse().map_err(Failure::from)?;
                WebApi::of_server(&address)
            }
            None => WebApi::of_page(),
        };
        if let Some(session) = fields.text("session")? {
            api = api.with_session(Secret::new(session));
        }
        Ok(Self { api })
    }

    /// The same API with the secret of a session.
    pub fn with_session(&self, session: String) -> RawApi {
        Self {
            api: self.api.clone().with_session(Secret::new(session)),
        }
    }

    /// Signs in.
    pub fn sign_in(&self, options: JsValue) -> Promise {
        let api = self.api.clone();
        promise(async move {
            let fields = Fields(&options);
            let name = fields.text("name")?.unwrap_or_default();
            let mut sign_in = SignIn::new(name, fields.text("password")?.unwrap_or_default())
                .remember(fields.flag("remember")? == Some(true))
                .bearer(fields.flag("bearer")? == Some(true));
            if let Some(domain) = fields.text("domain")? {
                sign_in = sign_in.domain(domain);
            }
            Ok(signed_in(&api.sign_in(&sign_in).await?))
        })
    }

    /// Who is signed in.
    pub fn signed_in(&self) -> Promise {
        let api = self.api.clone();
        promise(async move { Ok(signed_in(&api.signed_in().await?)) })
    }

    /// A function that promises what [`crate::client::RawClient::connect`] takes from a source.
    pub fn renewals(&self) -> Function {
        let renewals = self.api.renewals();
        Closure::<dyn Fn() -> Promise>::new(move || {
            let renewal = renewals();
            promise(async move { Ok(write_renewal(renewal.await)) })
        })
        .into_js_value()
        .unchecked_into()
    }

    /// Ends the session.
    pub fn sign_out(&self) -> Promise {
        let api = self.api.clone();
        promise(async move {
            api.sign_out().await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Ends all other sessions.
    pub fn end_other_sessions(&self) -> Promise {
        let api = self.api.clone();
        promise(async move { Ok(record::unsigned(api.end_other_sessions().await?)) })
    }

    /// The node of the account with that name.
    pub fn find_person(&self, name: String) -> Promise {
        let api = self.api.clone();
        promise(async move { Ok(api.find_person(&name).await?.to_string()) })
    }

    /// A part of the list of people.
    pub fn people(&self, part: JsValue) -> Promise {
        let api = self.api.clone();
        promise(async move {
            let people = api.people(&page_request(&Fields(&part))?).await?;
            Ok(page(people, |person| {
                Record::new()
                    .with("node", person.node.as_str())
                    .maybe("nickname", person.nickname)
                    .maybe("picture", person.picture)
                    .into()
            }))
        })
    }

    /// A part of the list of rooms.
    pub fn rooms(&self, part: JsValue) -> Promise {
        let api = self.api.clone();
        promise(async move {
            let list = api.rooms(&page_request(&Fields(&part))?).await?;
            Ok(page(list, |room| {
                Record::new()
                    .with("room", room.room.as_str())
                    .maybe("topic", room.topic)
                    .maybe("picture", room.picture)
                    .with("kind", rooms::kind_name(room.kind))
                    .shown("founder", room.founder.as_ref())
                    .into()
            }))
        })
    }

    /// Up to which message a conversation was delivered, 0 for none.
    pub fn delivered(&self, peer: String) -> Promise {
        let api = self.api.clone();
        promise(async move {
            let mid = api.delivered(&fields::node(&peer)?).await?;
            Ok(record::integer(mid.map_or(0, tim_client::Mid::get)))
        })
    }

    /// Uploads a file. `aborted` is a promise that is resolved to abort it.
    pub fn upload(
        &self,
        content: Blob,
        conversation: JsValue,
        progress: Function,
        aborted: Promise,
    ) -> Promise {
        let api = self.api.clone();
        promise(async move {
            let conversation = fields::conversation(&conversation)?;
            let upload = api.upload(&content, &conversation, move |progressed| {
                let step = Record::new()
                    .with("sent", record::unsigned(progressed.sent))
                    .with("total", record::unsigned(progressed.total));
                // What a handler throws is its own business: the script around it reports it.
                if let Err(_thrown) = progress.call1(&JsValue::UNDEFINED, &step.into()) {}
            });
            let abort = upload.abort_handle();
            wasm_bindgen_futures::spawn_local(async move {
                if wasm_bindgen_futures::JsFuture::from(aborted).await.is_ok() {
                    abort.abort();
                }
            });
            Ok(uploaded(&upload.await?))
        })
    }

    /// Where a file can be fetched.
    pub fn file_url(&self, file: &str, name: Option<String>) -> Result<String, JsValue> {
        Ok(self.api.file_url(&file_id(file)?, name.as_deref()))
    }

    /// The URL of a path of the server.
    pub fn url(&self, path: &str) -> String {
        self.api.url(path)
    }

    /// Fetches a whole file.
    pub fn download(&self, file: String) -> Promise {
        let api = self.api.clone();
        promise(async move { Ok(api.download(&file_id(&file)?).await?) })
    }

    /// Deletes a file that no message names.
    pub fn delete_file(&self, file: String) -> Promise {
        let api = self.api.clone();
        promise(async move {
            api.delete_file(&file_id(&file)?).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Stores the own picture.
    pub fn set_picture(&self, picture: Blob) -> Promise {
        let api = self.api.clone();
        promise(async move { Ok(api.set_picture(&picture).await?) })
    }

    /// Stores the picture of a room.
    pub fn set_room_picture(&self, room: String, picture: Blob) -> Promise {
        let api = self.api.clone();
        promise(async move { Ok(api.set_room_picture(&fields::room(&room)?, &picture).await?) })
    }
}

fn file_id(text: &str) -> Result<FileId, Failure> {
    FileId::new(text).ok_or_else(|| Failure::invalid("no file is named like this"))
}

fn token_of(credentials: &Credentials) -> String {
    match credentials {
        Credentials::Token { token, .. } => token.expose().to_owned(),
        _ => String::new(),
    }
}

fn signed_in(signed_in: &SignedIn) -> JsValue {
    Record::new()
        .with("node", signed_in.node.as_str())
        .with("token", token_of(&signed_in.credentials))
        .maybe(
            "session",
            signed_in
                .session
                .as_ref()
                .map(|session| session.expose().to_owned()),
        )
        .into()
}

fn write_renewal(renewal: Renewal) -> JsValue {
    match renewal {
        Renewal::Credentials(credentials) => Record::new().with("token", token_of(&credentials)).into(),
        Renewal::Later { reason, retry_after } => Record::new()
            .with("reason", reason)
            .maybe("retryAfter", retry_after.map(|time| time.as_secs_f64() * 1000.0))
            .into(),
        _ => JsValue::NULL,
    }
}

fn page_request(fields: &Fields<'_>) -> Result<PageRequest, Failure> {
    let mut part = PageRequest {
        after: fields.text("after")?,
        ..PageRequest::default()
    };
    if let Some(limit) = fields.number("limit")? {
        part.limit = limit;
    }
    Ok(part)
}

fn page<T>(page: Page<T>, write: impl Fn(T) -> JsValue) -> JsValue {
    Record::new()
        .with("entries", record::list(page.entries, write))
        .maybe("next", page.next)
        .into()
}

fn uploaded(uploaded: &Uploaded) -> JsValue {
    Record::new()
        .with("file", uploaded.file.as_str())
        .with("size", record::unsigned(uploaded.size))
        .with("sha256", uploaded.sha256.as_str())
        .into()
}
