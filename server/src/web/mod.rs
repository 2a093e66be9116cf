//! HTTP on the client listener beside the WebSocket (docs/web-api.md): sessions of browsers. Knows requests and answers; what
//! they mean is decided by the engine.

mod answer;
mod request;
mod sessions;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tim_protocol::error_code::ErrorCode;

use crate::config::{Config, Network, Origin};
use crate::engine::Engine;
use answer::Refusal;

/// What all requests share.
pub(crate) struct Web {
    engine: Arc<Engine>,
    /// Origins whose pages may ask beside the server's own; empty for none.
    origins: Vec<Origin>,
    trusted_proxies: Vec<Network>,
    /// How long the body of a small request may take.
    body_timeout: Duration,
}

impl Web {
    pub(crate) fn new(engine: Arc<Engine>, config: &Config) -> Arc<Self> {
        Arc::new(Self {
            engine,
            origins: config.listen.origins.clone(),
            trusted_proxies: config.listen.trusted_proxies.clone(),
            body_timeout: config.listen.handshake_timeout,
        })
    }

    /// The routes.
    pub(crate) fn routes(self: Arc<Self>) -> Router {
        let unknown = || async { Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoExist, "no such path") };
        let api = Router::new()
            .route("/session", post(sessions::begin).delete(sessions::end))
            .route("/session/token", post(sessions::token))
            .route("/session/others/end", post(sessions::end_others))
            .fallback(unknown)
            .method_not_allowed_fallback(|| async {
                Refusal::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    ErrorCode::Params,
                    "not with this method",
                )
            });
        Router::new()
            .route("/", get(|| async { ABOUT }))
            .nest("/client/v1", api)
            .with_state(self)
    }
}

const ABOUT: &str = "This is a tim server. Chat clients connect to /tim with WebSocket.\n";
