//! Sessions that do what packets tell them, and report what happens to them.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;

use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::task::AtomicWaker;
use tim_protocol::wire::{TimAck, TimAuth};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::engine::accounts::NotServed;
use crate::gateway::backend::{Backend, PacketSession};
use crate::gateway::listener::{Gateway, TlsSlot, bind};
use crate::gateway::{Options, Pace};

/// Largest packet of a scripted session before and after login.
pub(super) const LIMIT_BEFORE: usize = 1_024;
pub(super) const LIMIT_AFTER: usize = 256 * 1024;

/// What happened to a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Note {
    Opened(IpAddr),
    Received(Bytes),
    Dropped,
}

/// Lets held requests go on.
#[derive(Default)]
pub(super) struct Release {
    open: AtomicBool,
    waker: AtomicWaker,
}

impl Release {
    pub(super) fn open(&self) {
        self.open.store(true, Ordering::Release);
        self.waker.wake();
    }
}

pub(super) struct Scripted {
    notes: mpsc::UnboundedSender<Note>,
    release: Arc<Release>,
    out: VecDeque<Bytes>,
    flood: usize,
    authenticated: bool,
    held: bool,
    stopping: bool,
    closing: Option<(u16, String)>,
    deadline: Instant,
    /// Does nothing when its time has come.
    is_stuck: bool,
    visits: Arc<AtomicUsize>,
}

impl PacketSession for Scripted {
    fn receive(&mut self, packet: Bytes, now: Instant) {
        self.notes.send(Note::Received(packet.clone())).unwrap();
        match packet.first() {
            Some(b'A') => self.authenticated = true,
            Some(b'E') => self.out.push_back(packet.slice(1..)),
            // Endless output.
            Some(b'F') => self.flood = usize::MAX,
            Some(b'B') => self.out.push_back(vec![7; 100_000].into()),
            Some(b'C') => {
                self.out.push_back(Bytes::from_static(b"last"));
                self.closing = Some((1000, "as asked".to_owned()));
            }
            Some(b'H') => self.held = true,
            Some(b'S') => (self.deadline, self.is_stuck) = (now, true),
            Some(b'D') => self.deadline = now + Duration::from_millis(20),
            _ => {}
        }
    }

    fn wants_input(&self) -> bool {
        self.closing.is_none()
    }

    fn poll(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.visits.fetch_add(1, Ordering::Relaxed);
        if self.held {
            self.release.waker.register(cx.waker());
            if self.release.open.load(Ordering::Acquire) {
                self.held = false;
                self.out.push_back(Bytes::from_static(b"released"));
            }
        }
        if now >= self.deadline && !self.is_stuck {
            self.closing = Some((1008, "time is up".to_owned()));
        }
        if self.stopping && !self.held {
            self.closing = Some((1001, "stopping".to_owned()));
        }
    }

    fn next_packet(&mut self) -> Option<Bytes> {
        self.out.pop_front().or_else(|| {
            self.flood = self.flood.checked_sub(1)?;
            Some(Bytes::from_static(&[1; 2_000]))
        })
    }

    fn packet_limit(&self) -> usize {
        if self.authenticated {
            LIMIT_AFTER
        } else {
            LIMIT_BEFORE
        }
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn closing(&self) -> Option<(u16, String)> {
        self.closing.clone()
    }

    fn begin_shutdown(&mut self) {
        self.stopping = true;
    }

    fn is_idle(&self) -> bool {
        !self.held
    }

    fn authenticated(&self) -> bool {
        self.authenticated
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        // The test may have ended already.
        drop(self.notes.send(Note::Dropped));
    }
}

pub(super) struct Script {
    notes: mpsc::UnboundedSender<Note>,
    release: Arc<Release>,
    visits: Arc<AtomicUsize>,
}

impl Backend for Script {
    type Session = Scripted;

    fn open(&self, peer: IpAddr, now: Instant) -> Scripted {
        self.notes.send(Note::Opened(peer)).unwrap();
        Scripted {
            notes: self.notes.clone(),
            release: Arc::clone(&self.release),
            out: VecDeque::new(),
            flood: 0,
            authenticated: false,
            held: false,
            stopping: false,
            closing: None,
            deadline: now + Duration::from_secs(600),
            is_stuck: false,
            visits: Arc::clone(&self.visits),
        }
    }

    async fn register(&self, peer: IpAddr, auth: TimAuth) -> Result<TimAck, NotServed> {
        match auth.name.as_deref() {
            Some("busy") => Err(NotServed::Overloaded),
            Some("disabled") => Err(NotServed::Disabled),
            _ => Ok(TimAck {
                n: Some(peer.to_string()),
                ..TimAck::success(14)
            }),
        }
    }

    async fn token(&self, _peer: IpAddr, _auth: TimAuth) -> Result<TimAck, NotServed> {
        Ok(TimAck::success(15))
    }
}

/// A gateway on a free port of the loopback address.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) gateway: Gateway,
    pub(super) notes: mpsc::UnboundedReceiver<Note>,
    pub(super) release: Arc<Release>,
    /// How often all sessions together were polled.
    pub(super) visits: Arc<AtomicUsize>,
}

pub(super) fn options() -> Options {
    Options {
        origins: Vec::new(),
        trusted_proxies: Vec::new(),
        handshake_timeout: Duration::from_millis(300),
        write_timeout: Duration::from_millis(300),
        pace: Pace {
            window: Duration::from_millis(300),
            bytes_per_second: 10_000,
        },
        max_login_packet: LIMIT_BEFORE,
        connections: 100,
        unauthenticated_per_address: 100,
        connections_per_second_per_address: 0,
    }
}

/// Counts the bytes of a request.
async fn swallow(body: Body) -> String {
    let mut stream = body.into_data_stream();
    let mut length = 0;
    while let Some(Ok(part)) = stream.next().await {
        length += part.len();
    }
    length.to_string()
}

pub(super) fn start(options: Options, tls: Option<TlsSlot>) -> Running {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), 128).unwrap();
    let address = listener.local_addr().unwrap();
    let (notes_in, notes) = mpsc::unbounded_channel();
    let release = Arc::<Release>::default();
    let visits = Arc::<AtomicUsize>::default();
    let script = Script {
        notes: notes_in,
        release: Arc::clone(&release),
        visits: Arc::clone(&visits),
    };
    let web = axum::Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/swallow", post(swallow))
        .route("/pour", get(|| async { vec![0; 64 << 20] }));
    let gateway = Gateway::start(listener, tls, script, options, web);
    Running {
        address,
        gateway,
        notes,
        release,
        visits,
    }
}

impl Running {
    /// The next thing that happens to a session.
    pub(super) async fn note(&mut self) -> Note {
        tokio::time::timeout(Duration::from_secs(10), self.notes.recv())
            .await
            .expect("in time")
            .unwrap()
    }

    /// Waits until a session is dropped.
    pub(super) async fn dropped(&mut self) {
        while self.note().await != Note::Dropped {}
    }
}
