//! Accepts sockets and owns their tasks. Survives running out of file descriptors, closes what is
//! beyond the limits, and on shutdown waits for every task.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use parking_lot::Mutex;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::admission::{Admission, SocketPlace, StrangerPlace};
use super::backend::Backend;
use super::connection::{Admitted, Connection};
use super::drain::{Drain, Stage};
use super::{Options, Shared, http};

/// Pause after an error that will not go away by itself, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Errors of that kind are logged at most this often.
const LOG_INTERVAL: Duration = Duration::from_secs(10);
/// Connections get so long to say goodbye after the shutdown time is over.
const GOODBYE: Duration = Duration::from_secs(3);
/// Bytes that may wait unsent in the operating system per socket.
const UNSENT_BYTES: u32 = 128 * 1024;
/// A peer that acknowledges no data for so long is considered dead.
const DEAD_PEER: Duration = Duration::from_secs(60);

/// The configuration that new TLS connections use; replaced when the files are read again.
pub(crate) type TlsSlot = Arc<Mutex<Arc<ServerConfig>>>;

/// Opens the listening socket.
pub(crate) fn bind(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // [::] serves IPv4 too.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// A running client listener.
pub(crate) struct Gateway {
    drain: Arc<Drain>,
    admission: Arc<Admission>,
    accepting: JoinHandle<()>,
}

impl Gateway {
    /// Begins to accept. `web` answers all requests that are not about sockets and `/tim2`.
    pub(crate) fn start<B: Backend>(
        listener: TcpListener,
        tls: Option<TlsSlot>,
        backend: B,
        options: Options,
        web: Router,
    ) -> Self {
        Self::begin(listener, tls, backend, options, |shared| {
            http::router(shared, web)
        })
    }

    /// Begins to accept on a listener for requests alone. The backend has no part in it.
    pub(crate) fn start_http<B: Backend>(
        listener: TcpListener,
        tls: Option<TlsSlot>,
        backend: B,
        options: Options,
        routes: Router,
    ) -> Self {
        Self::begin(listener, tls, backend, options, |shared| {
            http::plain_router(shared, routes)
        })
    }

    fn begin<B: Backend>(
        listener: TcpListener,
        tls: Option<TlsSlot>,
        backend: B,
        options: Options,
        router: impl FnOnce(Arc<Shared<B>>) -> Router,
    ) -> Self {
        let drain = Arc::<Drain>::default();
        let admission = Admission::new(
            options.connections,
            options.unauthenticated_per_address,
            options.connections_per_second_per_address,
        );
        let shared = Arc::new(Shared {
            backend,
            options,
            admission: Arc::clone(&admission),
            drain: Arc::clone(&drain),
        });
        let router = router(Arc::clone(&shared));
        let accepting = tokio::spawn(
            Acceptor {
                listener,
                tls,
                shared,
                router,
                trouble: None,
            }
            .run(),
        );
        Self {
            drain,
            admission,
            accepting,
        }
    }

    /// Tells figures, as long as somebody wants to know.
    pub(crate) fn watch(&self) -> GatewayWatch {
        GatewayWatch {
            drain: Arc::clone(&self.drain),
            admission: Arc::clone(&self.admission),
        }
    }

    /// Sockets open now, logged in or not.
    pub(crate) fn sockets(&self) -> usize {
        self.admission.sockets()
    }

    /// Stops: no new sockets; sessions finish what runs and send what waits, for at most `time`;
    /// then all are closed. Returns when no task is left.
    pub(crate) async fn shutdown(mut self, time: Duration) {
        self.drain.advance(Stage::Draining);
        if tokio::time::timeout(time, &mut self.accepting).await.is_ok() {
            return;
        }
        tracing::info!(
            sockets = self.sockets(),
            "shutdown time is over, closing the remaining sockets"
        );
        self.drain.advance(Stage::Closing);
        if tokio::time::timeout(GOODBYE, &mut self.accepting).await.is_err() {
            tracing::warn!(sockets = self.sockets(), "aborting the remaining sockets");
            self.accepting.abort();
            // Aborting drops the set of tasks, which aborts them.
            if let Err(error) = self.accepting.await
                && error.is_panic()
            {
                tracing::error!("the acceptor failed");
            }
        }
    }
}

/// Figures of a listener.
pub(crate) struct GatewayWatch {
    drain: Arc<Drain>,
    admission: Arc<Admission>,
}

impl GatewayWatch {
    /// Sockets open now, logged in or not.
    pub(crate) fn sockets(&self) -> usize {
        self.admission.sockets()
    }

    /// Whether new sockets are taken.
    pub(crate) fn is_running(&self) -> bool {
        self.drain.stage() == Stage::Running
    }
}

struct Acceptor<B> {
    listener: TcpListener,
    tls: Option<TlsSlot>,
    shared: Arc<Shared<B>>,
    router: Router,
    /// When the last accept error was logged, and how many came since.
    trouble: Option<(Instant, u64)>,
}

impl<B: Backend> Acceptor<B> {
    async fn run(mut self) {
        let mut tasks = JoinSet::new();
        let mut drain = self.shared.drain.listen();
        loop {
            tokio::select! {
                biased;
                () = drain.reached(Stage::Draining) => break,
                Some(ended) = tasks.join_next() => report(ended),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(&mut tasks, stream, peer.ip().to_canonical()),
                    Err(error) => self.pause_after(&error).await,
                },
            }
        }
        drop(self.listener);
        while let Some(ended) = tasks.join_next().await {
            report(ended);
        }
    }

    fn admit(&self, tasks: &mut JoinSet<()>, stream: TcpStream, peer: IpAddr) {
        let Some(place) = self.shared.admission.socket() else {
            tracing::debug!(%peer, "socket closed: limits.connections is reached");
            return;
        };
        let stranger = if self.shared.is_proxy(peer) {
            None
        } else {
            let Some(stranger) = self.shared.admission.stranger(peer) else {
                tracing::debug!(%peer, "socket closed: too many connections of this address (limits.unauthenticated_per_address, limits.connections_per_second_per_address)");
                return;
            };
            Some(stranger)
        };
        if let Err(error) = configure(&stream) {
            tracing::debug!(%peer, %error, "socket options");
        }
        let arrival = Arrival {
            peer,
            place,
            stranger,
            tls: self
                .tls
                .as_ref()
                .map(|slot| TlsAcceptor::from(Arc::clone(&slot.lock()))),
        };
        let (shared, router) = (Arc::clone(&self.shared), self.router.clone());
        tasks.spawn(async move {
            // Everything before the upgrade is in a box of its own, which is gone afterwards.
            let connection = Box::pin(establish(shared, router, stream, arrival)).await;
            if let Some(connection) = connection {
                connection.await;
            }
        });
    }

    async fn pause_after(&mut self, error: &io::Error) {
        if is_about_one_peer(error) {
            return;
        }
        let now = Instant::now();
        let (logged, count) = self.trouble.unwrap_or((now, 0));
        if count == 0 || now.duration_since(logged) >= LOG_INTERVAL {
            tracing::error!(
                %error,
                times = count + 1,
                sockets = self.shared.admission.sockets(),
                "no socket can be accepted; if too many files are open, raise the limit (ulimit -n)"
            );
            self.trouble = Some((now, 1));
        } else {
            self.trouble = Some((logged, count + 1));
        }
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// A socket that was accepted.
struct Arrival {
    peer: IpAddr,
    place: SocketPlace,
    stranger: Option<StrangerPlace>,
    tls: Option<TlsAcceptor>,
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Everything from the first byte to the upgrade. `None`: the socket is done with.
async fn establish<B: Backend>(
    shared: Arc<Shared<B>>,
    router: Router,
    stream: TcpStream,
    mut arrival: Arrival,
) -> Option<Running> {
    let Some(acceptor) = arrival.tls.take() else {
        return upgrade(shared, router, stream, arrival, false).await;
    };
    let handshake = acceptor.accept(stream);
    match tokio::time::timeout(shared.options.handshake_timeout, handshake).await {
        Ok(Ok(stream)) => upgrade(shared, router, stream, arrival, true).await,
        Ok(Err(error)) => {
            tracing::debug!(peer = %arrival.peer, %error, "TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(peer = %arrival.peer, "TLS handshake timed out");
            None
        }
    }
}

async fn upgrade<B: Backend, S: super::connection::Socket>(
    shared: Arc<Shared<B>>,
    router: Router,
    stream: S,
    arrival: Arrival,
    has_tls: bool,
) -> Option<Running> {
    let drain = shared.drain.listen();
    let peer = http::Peer {
        address: arrival.peer,
        has_tls,
    };
    let (head_time, pace) = (shared.options.handshake_timeout, shared.options.pace);
    let served = http::serve(stream, peer, router, head_time, pace, drain).await;
    let (stream, unread, upgrade) = served?;
    let session = shared.backend.open(upgrade.address, Instant::now());
    let admitted = Admitted {
        address: upgrade.address,
        _place: arrival.place,
        stranger: upgrade.stranger.or(arrival.stranger),
        drain: shared.drain.listen(),
        write_timeout: shared.options.write_timeout,
    };
    Some(Box::pin(Connection::new(stream, unread, session, admitted)))
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(Duration::from_secs(60))
            .with_interval(Duration::from_secs(15)),
    )?;
    #[cfg(target_os = "linux")]
    {
        // Without these a peer that vanished or does not read would pin memory of the kernel.
        socket.set_tcp_user_timeout(Some(DEAD_PEER))?;
        socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    }
    Ok(())
}

/// Whether an error of accept concerns only the connection that was about to be accepted.
fn is_about_one_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::TimedOut
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
    )
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection failed; the others go on");
    }
}
