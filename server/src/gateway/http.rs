//! The HTTP side of a socket: routes, and the upgrade to WebSocket. An upgraded socket is handed
//! back raw, so that nothing of hyper stays behind in a connection that lives for days.

mod progress;
mod sharing;

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::SEC_WEBSOCKET_VERSION;
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::MissedTickBehavior;

use super::admission::StrangerPlace;
use super::backend::Backend;
use super::connection::Socket;
use super::drain::{DrainListener, Stage};
use super::{Shared, handshake, tim2};
pub(crate) use progress::Pace;
use progress::{Progress, Watched, WatchedBody};

/// Longest head of a request; also the size of hyper's buffers.
const HEAD_BYTES: usize = 8 * 1024;
const HEADERS: usize = 64;
/// What is read and thrown away from a client after its last answer, and for how long.
const LINGER_BYTES: usize = 256 * 1024;
const LINGER_TIME: Duration = Duration::from_secs(1);

/// An upgrade that was answered with 101.
pub(super) struct Upgrade {
    /// Address of the client.
    pub(super) address: IpAddr,
    /// Its place, when the socket itself belongs to a proxy.
    pub(super) stranger: Option<StrangerPlace>,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    /// Address of the socket, perhaps that of a proxy.
    pub(crate) address: IpAddr,
    /// Whether the socket speaks TLS.
    pub(crate) has_tls: bool,
}

/// What a request knows about its connection.
#[derive(Clone)]
struct Caller {
    peer: IpAddr,
    upgrade: Arc<Mutex<Option<Upgrade>>>,
}

/// The routes of the client listener. Everything that is not about sockets and `/tim2` goes to `web`.
pub(super) fn router<B: Backend>(shared: Arc<Shared<B>>, web: Router) -> Router {
    let nothing = || async { StatusCode::NOT_FOUND };
    let web = web.layer(middleware::from_fn_with_state(
        Arc::clone(&shared),
        before_web::<B>,
    ));
    let sharing = middleware::from_fn_with_state(Arc::clone(&shared), sharing::with_listed_origins::<B>);
    Router::new()
        .route("/tim", get(session::<B>).fallback(nothing))
        .route("/tim2", post(account::<B>).fallback(nothing))
        .route("/healthz", get(health::<B>).fallback(nothing))
        .with_state(shared)
        .fallback_service(web)
        .layer(sharing)
}

/// The routes of a listener for requests alone.
pub(super) fn plain_router<B: Backend>(shared: Arc<Shared<B>>, routes: Router) -> Router {
    routes.layer(middleware::from_fn_with_state(shared, before_stopping::<B>))
}

/// A server that stops begins no other work.
async fn before_stopping<B: Backend>(
    State(shared): State<Arc<Shared<B>>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    if shared.drain.stage() != Stage::Running {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

/// Clients may also connect to `/`. A server that stops begins no other work.
async fn before_web<B: Backend>(
    state: State<Arc<Shared<B>>>,
    caller: Extension<Caller>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let is_root = request.uri().path() == "/" && request.method() == Method::GET;
    if is_root && handshake::wants_upgrade(request.headers()) {
        return session(state, caller, request).await;
    }
    if state.drain.stage() != Stage::Running {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

async fn session<B: Backend>(
    State(shared): State<Arc<Shared<B>>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Response {
    let headers = match handshake::accept(request.version(), request.headers()) {
        Ok(headers) => headers,
        Err(status @ StatusCode::UPGRADE_REQUIRED) => {
            return (status, [(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))]).into_response();
        }
        Err(status) => return status.into_response(),
    };
    if !handshake::origin_allowed(request.headers(), &shared.options.origins) {
        return StatusCode::FORBIDDEN.into_response();
    }
    if shared.drain.stage() != Stage::Running {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let address = handshake::client_address(caller.peer, request.headers(), &shared.options.trusted_proxies);
    let stranger = if shared.is_proxy(caller.peer) {
        match shared.admission.stranger(address) {
            Some(place) => Some(place),
            None => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    } else {
        None
    };
    *caller.upgrade.lock() = Some(Upgrade { address, stranger });
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn account<B: Backend>(
    State(shared): State<Arc<Shared<B>>>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Response {
    if !handshake::origin_allowed(request.headers(), &shared.options.origins) {
        return StatusCode::FORBIDDEN.into_response();
    }
    if shared.drain.stage() != Stage::Running {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let from = handshake::client_address(caller.peer, request.headers(), &shared.options.trusted_proxies);
    let options = &shared.options;
    tim2::answer(
        &shared.backend,
        from,
        request,
        options.max_login_packet,
        options.handshake_timeout,
    )
    .await
}

async fn health<B: Backend>(State(shared): State<Arc<Shared<B>>>) -> Response {
    match shared.drain.stage() {
        Stage::Running => "ok\n".into_response(),
        Stage::Draining | Stage::Closing => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
    }
}

struct Requests {
    router: TowerToHyperService<Router>,
    progress: Progress,
    peer: Peer,
    caller: Caller,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(|body| Body::new(WatchedBody::new(body, &self.progress)));
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(self.caller.clone());
        Box::pin(self.router.call(request))
    }
}

/// Serves requests on a socket until it is upgraded, closed, or too slow: the head of a request has
/// its timeout, which is also how long the client may wait with the next one, and bodies and
/// answers have to go on at some pace. Answers the raw socket, what was read beyond the upgrade
/// request, and the upgrade.
pub(super) async fn serve<S: Socket>(
    socket: S,
    peer: Peer,
    router: Router,
    header_timeout: Duration,
    pace: Pace,
    mut drain: DrainListener,
) -> Option<(S, Bytes, Upgrade)> {
    let caller = Caller {
        peer: peer.address,
        upgrade: Arc::default(),
    };
    let upgrade = Arc::clone(&caller.upgrade);
    let progress = Progress::new(pace);
    let requests = Requests {
        router: TowerToHyperService::new(router),
        progress: progress.clone(),
        peer,
        caller,
    };
    let watched = Watched {
        socket,
        progress: progress.clone(),
    };
    let mut connection = Box::pin(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEADERS)
            .title_case_headers(true)
            .serve_connection(TokioIo::new(watched), requests),
    );
    let mut ticks = tokio::time::interval(progress.interval());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_ending = false;
    let served = std::future::poll_fn(|cx: &mut Context<'_>| {
        let stage = drain.poll(cx);
        if !is_ending && stage != Stage::Running {
            // The current request is answered; nothing comes after.
            is_ending = true;
            connection.as_mut().graceful_shutdown();
        }
        if stage == Stage::Closing {
            return Poll::Ready(false);
        }
        while let Poll::Ready(now) = ticks.poll_tick(cx) {
            if progress.is_too_slow(now) {
                tracing::debug!(peer = %peer.address, "a transfer was too slow");
                return Poll::Ready(false);
            }
        }
        connection
            .as_mut()
            .poll_without_shutdown(cx)
            .map(|result| result.is_ok())
    })
    .await;
    let upgrade = upgrade.lock().take();
    if !served {
        return None;
    }
    let parts = Pin::into_inner(connection).into_parts();
    let socket = parts.io.into_inner().socket;
    match upgrade {
        Some(upgrade) => Some((socket, parts.read_buf, upgrade)),
        None => {
            part(socket).await;
            None
        }
    }
}

/// Closes a socket so that the client can read the last answer: closing while unread bytes are
/// there would make the operating system throw the answer away.
async fn part(mut socket: impl Socket) {
    let farewell = async {
        socket.shutdown().await?;
        let mut buffer = [0; 1024];
        let mut left = LINGER_BYTES;
        while left > 0 {
            match socket.read(&mut buffer).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok::<_, std::io::Error>(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(LINGER_TIME, farewell).await {
        tracing::trace!(%error, "the client was gone first");
    }
}
