//! The management API on its own listener (docs/admin-api.md): who calls, whether that is allowed, what is noted
//! about it, and the answer. What calls mean is decided by the engine; this module knows neither
//! sockets nor SQL, and it never trusts a name, a domain or a right from a request.

pub mod access;
pub mod audit;
mod call;
mod calls;
mod document;
mod figures;
pub mod operators;
mod page;
mod second_factor;
mod sessions;
mod visit;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, RawPathParams, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, get, on};
use serde_json::Value;
use tim_protocol::error_code::ErrorCode;
use tokio::time::Instant;

use self::audit::Happened;
use self::call::{Call, Context};
use self::second_factor::SecondFactors;
use self::sessions::Sessions;
use crate::config::{Config, Network};
use crate::engine::Engine;
use crate::engine::attempts::Attempts;
use crate::gateway::Peer;
use crate::web::answer::{Refusal, json};
use crate::web::request::{Source, limited_body};

/// What every path of a call begins with.
const PREFIX: &str = "/api/v1";
/// Largest body of a request.
const BODY_BYTES: usize = 4 << 20;
/// Longest text in the audit log.
const NOTED_BYTES: usize = 256;

/// What the server itself does for the management API.
pub(crate) trait Operations: Send + Sync + 'static {
    /// Reads certificate and key again.
    fn reload_tls(&self) -> Result<(), String>;
    /// Sockets of clients, logged in or not.
    fn client_sockets(&self) -> usize;
    /// Whether clients are served.
    fn is_serving(&self) -> bool;
}

/// What all calls share.
pub(crate) struct Admin {
    engine: Arc<Engine>,
    operations: Box<dyn Operations>,
    config: Config,
    started: Instant,
    sessions: Sessions,
    second_factors: SecondFactors,
    failures_by_name: Attempts<(String, IpAddr)>,
    failures_by_address: Attempts<IpAddr>,
    trusted_proxies: Vec<Network>,
    body_timeout: Duration,
    /// File with the hash of the first password, which counts until somebody manages the server.
    first_password: Option<PathBuf>,
    calls: Vec<Arc<Call>>,
}

impl Admin {
    /// What calls share.
    pub(crate) fn new(
        engine: Arc<Engine>,
        config: &Config,
        operations: Box<dyn Operations>,
        first_password: Option<PathBuf>,
    ) -> Arc<Self> {
        let guessing = &engine.settings().guessing;
        Arc::new(Self {
            failures_by_name: Attempts::new(guessing.failures_per_account),
            failures_by_address: Attempts::new(guessing.failures_per_address),
            sessions: Sessions::new(config.admin.session_idle, config.admin.session_lifetime),
            second_factors: SecondFactors::default(),
            started: Instant::now(),
            trusted_proxies: config.listen.trusted_proxies.clone(),
            body_timeout: config.listen.handshake_timeout,
            calls: calls::all().into_iter().map(Arc::new).collect(),
            config: config.clone(),
            first_password,
            operations,
            engine,
        })
    }

    /// The routes.
    pub(crate) fn routes(self: Arc<Self>) -> Router {
        let mut routes = Router::new()
            .route("/health/live", get(|| async { "ok\n" }))
            .route("/health/ready", get(figures::ready))
            .route("/metrics", get(figures::metrics))
            .route("/api/v1/openapi.json", get(document::serve))
            .route("/api/v1/", get(page::serve))
            .route("/api/v1/page.css", get(page::style));
        for call in &self.calls {
            let Ok(method) = MethodFilter::try_from(call.method.clone()) else {
                continue;
            };
            let call = Arc::clone(call);
            let path = format!("{PREFIX}{}", call.path);
            let handler = move |State(admin): State<Arc<Self>>,
                                Extension(peer): Extension<Peer>,
                                arguments: RawPathParams,
                                request: Request<Body>| {
                let call = Arc::clone(&call);
                async move { answer(admin, call, peer, &arguments, request).await }
            };
            routes = routes.route(&path, on(method, handler));
        }
        let unknown = || async { Refusal::new(StatusCode::NOT_FOUND, ErrorCode::NoExist, "no such path") };
        let other_method = || async {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                ErrorCode::Params,
                "not with this method",
            )
        };
        routes
            .fallback(unknown)
            .method_not_allowed_fallback(other_method)
            .layer(middleware::from_fn_with_state(Arc::clone(&self), secure))
            .with_state(self)
    }
}

/// Headers of every answer: nothing is kept, framed, or interpreted as something else.
async fn secure(State(admin): State<Arc<Admin>>, request: Request<Body>, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let source = peer.map(|peer| admin.source(peer, &request));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let always = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("cache-control"), "no-store"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if source.is_some_and(|source| source.is_private) {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

impl Admin {
    fn source(&self, peer: Peer, request: &Request<Body>) -> Source {
        Source::of(
            &self.trusted_proxies,
            &[],
            peer,
            request.method(),
            request.headers(),
        )
    }
}

/// Carries out a call, whoever waits for the answer, and notes a change in the audit log.
async fn answer(
    admin: Arc<Admin>,
    call: Arc<Call>,
    peer: Peer,
    arguments: &RawPathParams,
    request: Request<Body>,
) -> Response {
    let source = admin.source(peer, &request);
    let arguments = arguments
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut context = Context {
        admin: Arc::clone(&admin),
        caller: None,
        source,
        cookie: None,
        arguments: Arc::new(arguments.collect()),
        notes: Arc::default(),
        set_cookie: Arc::default(),
    };
    let task = {
        let tracker = admin.engine.operations().clone();
        tracker.spawn(async move {
            let outcome = carry_out(&call, &mut context, request).await;
            finish(&call, &context, outcome).await
        })
    };
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a call of the management API failed");
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::Undefined,
            "the call failed; the log of the server says why",
        )
        .into_response()
    })
}

async fn carry_out(call: &Call, context: &mut Context, request: Request<Body>) -> Result<Value, Refusal> {
    let admin = Arc::clone(&context.admin);
    visit::enter(&admin, call, context, request.headers()).await?;
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = limited_body(admin.body_timeout, BODY_BYTES, request.into_body()).await?;
    (call.run)(context.clone(), query, body).await
}

async fn finish(call: &Call, context: &Context, outcome: Result<Value, Refusal>) -> Response {
    let (status, refusal) = match &outcome {
        Ok(_) => (call.status, None),
        Err(refusal) => (refusal.status(), Some(refusal.text().to_owned())),
    };
    // Strangers who ask for something without an access leave no entries: they could fill the log.
    let is_noted = call.is_change() && (context.caller.is_some() || !context.notes.lock().is_empty());
    if is_noted {
        let mut about: BTreeMap<String, String> = (*context.arguments).clone();
        about.extend(context.notes.lock().clone());
        for text in about.values_mut() {
            shorten(text);
        }
        let who = context.caller.as_ref().map(|caller| caller.name.clone());
        let happened = Happened {
            who: who.unwrap_or_default(),
            from: context.source.address.to_string(),
            call: call.name.to_owned(),
            about,
            status: status.as_u16(),
            refusal,
        };
        let engine = &context.admin.engine;
        if let Err(code) = audit::append(engine.store(), engine.clock().now(), &happened).await {
            tracing::error!(?happened, "a change is not in the audit log");
            return Refusal::from(code).into_response();
        }
    }
    let mut response = match outcome {
        Ok(_) if call.answer.is_none() => call.status.into_response(),
        Ok(answer) => json(call.status, &answer),
        Err(refusal) => refusal.into_response(),
    };
    if let Some(cookie) = context.set_cookie.lock().take() {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn shorten(text: &mut String) {
    if text.len() > NOTED_BYTES {
        let end = (0..=NOTED_BYTES).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
}
