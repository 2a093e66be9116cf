//! HTTP on the client listener beside the WebSocket (docs/web-api.md): the pages themselves, sessions of browsers,
//! lists of people and rooms, files. Knows requests and answers; what they mean is decided by the engine.

pub(crate) mod answer;
mod directory;
mod files;
mod pages;
pub(crate) mod request;
mod sessions;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::{get, post, put};
use tim_protocol::error_code::ErrorCode;

use crate::config::{Config, Network, Origin};
use crate::engine::Engine;
use answer::Refusal;
use pages::Pages;

/// What all requests share.
pub(crate) struct Web {
    engine: Arc<Engine>,
    /// Origins whose pages may ask beside the server's own; empty for none.
    origins: Vec<Origin>,
    trusted_proxies: Vec<Network>,
    pages: Pages,
    /// Whether anything but the text of `/` is served.
    is_enabled: bool,
    /// How long the body of a small request may take.
    body_timeout: Duration,
}

impl Web {
    /// Blocks for reading the pages of `web.directory`.
    ///
    /// # Errors
    /// They cannot be read.
    pub(crate) fn new(engine: Arc<Engine>, config: &Config) -> Result<Arc<Self>, String> {
        Ok(Arc::new(Self {
            pages: Pages::open(&config.web)?,
            is_enabled: config.web.enabled,
            engine,
            origins: config.listen.origins.clone(),
            trusted_proxies: config.listen.trusted_proxies.clone(),
            body_timeout: config.listen.handshake_timeout,
        }))
    }

    /// Whether there is a page to open in a browser.
    pub(crate) fn has_pages(&self) -> bool {
        self.pages.are_served()
    }

    /// The routes.
    pub(crate) fn routes(self: Arc<Self>) -> Router {
        let unknown = || async { Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoExist, "no such path") };
        let api = Router::new()
            .route("/session", post(sessions::begin).delete(sessions::end))
            .route("/session/token", post(sessions::token))
            .route("/session/others/end", post(sessions::end_others))
            .route("/people/find", post(directory::find))
            .route("/people", get(directory::people))
            .route("/rooms", get(directory::rooms))
            .route("/delivered", get(directory::delivered))
            .route("/files", post(files::upload))
            .route("/files/{id}", get(files::download).delete(files::delete))
            .route("/picture", put(files::set_own_picture))
            .route("/rooms/{node}/picture", put(files::set_room_picture))
            .route("/pictures/{id}", get(files::picture))
            .fallback(unknown)
            .method_not_allowed_fallback(|| async {
                Refusal::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    ErrorCode::Params,
                    "not with this method",
                )
            });
        let mut routes = Router::new();
        if self.is_enabled {
            routes = routes.nest("/client/v1", api);
        }
        routes.fallback(page).with_state(self)
    }
}

async fn page(State(web): State<Arc<Web>>, request: Request<Body>) -> Response {
    web.pages.answer(&request)
}
