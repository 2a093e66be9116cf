//! All connections of the generator on one thread: non-blocking sockets behind one `epoll`. A
//! wake-up reads each ready socket, hands every packet to the application, and writes what the
//! application answered with one system call per socket.

mod connection;

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::websocket;
use connection::{Connection, Phase};

/// Names one connection of a reactor; never used again after it was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(usize);

impl Key {
    /// Small dense number, counted from the first connection of the reactor.
    pub fn index(self) -> usize {
        self.0
    }
}

/// What happened on a connection.
#[derive(Debug)]
pub enum Event<'a> {
    /// The WebSocket is ready for packets.
    Open,
    /// A packet arrived.
    Packet(&'a [u8]),
    /// The response to a POST.
    Response {
        /// HTTP status code.
        status: u16,
        /// Body of the response.
        body: &'a [u8],
    },
    /// The connection is gone and its key is free; the text says why.
    Closed(String),
}

/// What a reactor calls.
pub trait Application {
    /// Something happened on connection `key`; `now` was taken after the bytes were read.
    /// Answers on the same connection go to `out`.
    fn on_event(&mut self, key: Key, event: Event<'_>, now: Instant, out: &mut Outbox);
}

/// Bytes on their way out of one connection.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    written: usize,
    host: String,
    closing: bool,
    hangs_up: bool,
}

impl Outbox {
    /// Sends one packet in a WebSocket frame.
    pub fn packet(&mut self, packet: &[u8]) {
        websocket::write_packet(&mut self.bytes, packet);
    }

    /// Acknowledges the synchronous packet with that number.
    pub fn acknowledge(&mut self, send_id: [u8; 4]) {
        websocket::write_acknowledgement(&mut self.bytes, send_id);
    }

    /// Sends one packet as a POST to `/tim2`; the answer is an [`Event::Response`]. The next
    /// POST on the same connection has to wait for it.
    pub fn post(&mut self, packet: &[u8]) {
        websocket::write_post(&mut self.bytes, &self.host, packet);
    }

    /// Closes the WebSocket (status 1000) after everything before has been written.
    pub fn close(&mut self) {
        if !self.closing {
            websocket::write_close(&mut self.bytes);
            self.closing = true;
        }
    }

    /// Ends the connection without a farewell after everything before has been written.
    pub fn hang_up(&mut self) {
        self.hangs_up = true;
    }

    fn is_empty(&self) -> bool {
        self.written == self.bytes.len()
    }
}

/// The set of connections.
pub struct Reactor {
    epoll: OwnedFd,
    connections: Vec<Option<Connection>>,
    open: usize,
    dirty: Vec<Key>,
    ready: Vec<epoll::Event>,
    scratch: Vec<u8>,
    server: SocketAddr,
}

const READY_AT_ONCE: usize = 1024;
const READ_AT_ONCE: usize = 256 << 10;

impl Reactor {
    /// A reactor whose connections all go to `server`.
    pub fn new(server: SocketAddr) -> Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).context("creating an epoll instance")?,
            connections: Vec::new(),
            open: 0,
            dirty: Vec::new(),
            ready: Vec::with_capacity(READY_AT_ONCE),
            scratch: vec![0; READ_AT_ONCE],
            server,
        })
    }

    /// Starts a WebSocket connection, from local address `source` when given.
    pub fn open_websocket(&mut self, source: Option<IpAddr>) -> Result<Key> {
        self.connect(source, true)
    }

    /// Starts an HTTP connection for POSTs.
    pub fn open_http(&mut self) -> Result<Key> {
        self.connect(None, false)
    }

    fn connect(&mut self, source: Option<IpAddr>, websocket: bool) -> Result<Key> {
        let family = if self.server.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket =
            rustix::net::socket_with(family, SocketType::STREAM, flags, None).context("opening a socket")?;
        rustix::net::sockopt::set_tcp_nodelay(&socket, true).context("setting TCP_NODELAY")?;
        if let Some(address) = source {
            rustix::net::bind(&socket, &SocketAddr::new(address, 0))
                .with_context(|| format!("binding to {address}"))?;
        }
        match rustix::net::connect(&socket, &self.server) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error).with_context(|| format!("connecting to {}", self.server)),
        }
        let key = Key(self.connections.len());
        let interest = epoll::EventFlags::IN | epoll::EventFlags::OUT;
        epoll::add(
            &self.epoll,
            &socket,
            epoll::EventData::new_u64(key.0 as u64),
            interest,
        )
        .context("registering a socket")?;
        let mut out = Outbox {
            host: self.server.to_string(),
            ..Outbox::default()
        };
        if websocket {
            websocket::write_upgrade(&mut out.bytes, &out.host);
        }
        self.connections.push(Some(Connection {
            stream: TcpStream::from(socket),
            phase: Phase::Connecting,
            websocket,
            partial: Vec::new(),
            out,
            waits_for_space: true,
            deaf: false,
        }));
        self.open += 1;
        Ok(key)
    }

    /// Number of connections that are not closed.
    pub fn open_connections(&self) -> usize {
        self.open
    }

    /// Queues something on a connection; it leaves at the next [`Reactor::poll`]. Returns
    /// false when the connection is gone.
    pub fn with_outbox(&mut self, key: Key, fill: impl FnOnce(&mut Outbox)) -> bool {
        match self.connections.get_mut(key.0) {
            Some(Some(connection)) => {
                if connection.out.is_empty() {
                    self.dirty.push(key);
                }
                fill(&mut connection.out);
                true
            }
            _ => false,
        }
    }

    /// Drops a connection without telling anybody, as a vanished device would.
    pub fn abandon(&mut self, key: Key) {
        if let Some(slot) = self.connections.get_mut(key.0)
            && slot.take().is_some()
        {
            self.open -= 1;
        }
    }

    /// Drops a connection with a reset, as a crashing device or a broken path would.
    pub fn reset(&mut self, key: Key) {
        if let Some(Some(connection)) = self.connections.get(key.0) {
            // When it fails the connection ends in the ordinary way, which is as good.
            rustix::net::sockopt::set_socket_linger(&connection.stream, Some(Duration::ZERO)).ok();
        }
        self.abandon(key);
    }

    /// Reads nothing from a connection any more, as a hanging device would.
    pub fn deafen(&mut self, key: Key) -> Result<()> {
        if let Some(Some(connection)) = self.connections.get_mut(key.0) {
            connection.deaf = true;
            let data = epoll::EventData::new_u64(key.0 as u64);
            epoll::modify(&self.epoll, &connection.stream, data, connection.interest())
                .context("changing the interest in a socket")?;
        }
        Ok(())
    }

    /// Bytes that wait to be written on a connection.
    pub fn queued(&self, key: Key) -> usize {
        match self.connections.get(key.0) {
            Some(Some(connection)) => connection.out.bytes.len() - connection.out.written,
            _ => 0,
        }
    }

    /// Writes what is queued, waits at most `timeout` for something to happen and handles it.
    pub fn poll(&mut self, timeout: Duration, application: &mut impl Application) -> Result<()> {
        for key in std::mem::take(&mut self.dirty) {
            self.flush(key, application);
        }
        let timeout = Timespec::try_from(timeout).context("time-out too long")?;
        self.ready.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.ready), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for sockets"),
        }
        for index in 0..self.ready.len() {
            let event = self.ready[index];
            let (flags, data) = (event.flags, event.data.u64());
            let Ok(position) = usize::try_from(data) else {
                continue;
            };
            let key = Key(position);
            if flags.intersects(epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR) {
                self.read(key, application);
            }
            self.flush(key, application);
        }
        Ok(())
    }

    fn read(&mut self, key: Key, application: &mut impl Application) {
        let Some(Some(connection)) = self.connections.get_mut(key.0) else {
            return;
        };
        if connection.deaf {
            // Nothing else wakes such a connection.
            return self.closed(key, "reset while nothing was read", application);
        }
        let count = match rustix::io::read(connection.stream.as_fd(), &mut self.scratch[..]) {
            Ok(0) => return self.closed(key, "end of stream", application),
            Ok(count) => count,
            Err(Errno::AGAIN | Errno::INTR) => return,
            Err(error) => return self.closed(key, &error.to_string(), application),
        };
        let now = Instant::now();
        let outcome = connection.arrived(key, &self.scratch[..count], now, application);
        match outcome {
            Ok(None) => {}
            Ok(Some(reason)) => self.closed(key, &reason, application),
            Err(error) => self.closed(key, &error.to_string(), application),
        }
    }

    fn flush(&mut self, key: Key, application: &mut impl Application) {
        let Some(Some(connection)) = self.connections.get_mut(key.0) else {
            return;
        };
        if connection.out.is_empty() && connection.out.hangs_up {
            return self.abandon(key);
        }
        if connection.out.is_empty() && !connection.waits_for_space {
            return;
        }
        if connection.phase == Phase::Connecting {
            match connection.stream.take_error() {
                Ok(None) if connection.stream.peer_addr().is_ok() => {
                    connection.phase = if connection.websocket {
                        Phase::Upgrading
                    } else {
                        Phase::Http
                    };
                }
                Ok(None) => return,
                Ok(Some(error)) | Err(error) => return self.closed(key, &error.to_string(), application),
            }
        }
        match connection.write_out() {
            Ok(blocked) if blocked == connection.waits_for_space => {}
            Ok(blocked) => {
                connection.waits_for_space = blocked;
                let interest = connection.interest();
                let data = epoll::EventData::new_u64(key.0 as u64);
                if let Err(error) = epoll::modify(&self.epoll, &connection.stream, data, interest) {
                    self.closed(key, &error.to_string(), application);
                }
            }
            Err(error) => self.closed(key, &error.to_string(), application),
        }
    }

    fn closed(&mut self, key: Key, reason: &str, application: &mut impl Application) {
        // Dropping the socket also takes it out of the epoll set.
        let Some(mut connection) = self.connections.get_mut(key.0).and_then(Option::take) else {
            return;
        };
        self.open -= 1;
        application.on_event(
            key,
            Event::Closed(reason.to_owned()),
            Instant::now(),
            &mut connection.out,
        );
    }
}
