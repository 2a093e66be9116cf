//! What an application holds in its hands.

use std::fmt;
use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tim_protocol::Node;
use tokio::sync::oneshot;

use super::driver::Driver;
use super::events::Events;
use super::history::HistoryPager;
use super::shared::Shared;
use crate::error::{ConnectError, RequestError, SendError};
use crate::event::Event;
use crate::message::{Conversation, Incoming, Mid, Outgoing, Sent};
use crate::runtime;
use crate::session::{
    Added, Credentials, HistoryStart, Reply, Request, RequestTicket, Secret, SendTicket, Session,
    SessionConfig, Status,
};

/// A session with a server. Clones are cheap and share the session; when the last one is dropped the session is
/// ended in the background, see [`Client::close`] for closing it in an orderly way.
///
/// # Delivery
///
/// Messages come out of [`Client::next_event`]. The server learns that this device has a message only after the
/// application has taken it, so nothing is lost when the program dies with messages in its queue. Within one
/// client every message comes out once and every conversation in order, also across reconnects; a program that is
/// started again can see again what it took in the last moments before it died.
///
/// The queue of events is bounded ([`SessionConfig::event_capacity`]). An application that does not take its
/// events slows the server down and nobody else; it can still send.
///
/// # Cancellation
///
/// Every future of a client can be dropped at any time. What was handed over before is carried on with: a message
/// whose [`Client::send`] was dropped after it was queued is still sent.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    node: Node,
}

impl Drop for Inner {
    fn drop(&mut self) {
        abandon(&self.shared);
    }
}

fn abandon(shared: &Shared) {
    shared.lock().session.abandon();
    shared.dispatch();
    shared.work.notify_one();
}

/// Closes the session when the login is abandoned.
struct CloseOnDrop(Option<Arc<Shared>>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            abandon(&shared);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("node", &self.inner.node)
            .finish_non_exhaustive()
    }
}

impl Client {
    pub(super) async fn start(
        config: SessionConfig,
        credentials: Option<Credentials>,
        driver: impl FnOnce(Arc<Shared>) -> Driver,
    ) -> Result<Self, ConnectError> {
        let (sender, login) = oneshot::channel();
        let shared = Arc::new(Shared::new(config, sender));
        let mut guard = CloseOnDrop(Some(Arc::clone(&shared)));
        let now = shared.now();
        match credentials {
            Some(credentials) => shared.lock().session.start(now, credentials),
            None => shared.lock().session.start_with_renewal(),
        }
        // The task ends by itself when the session has ended, which dropping the last handle brings about.
        runtime::spawn(driver(Arc::clone(&shared)).run());
        let node = login.await.unwrap_or(Err(ConnectError::Abandoned))?;
        guard.0 = None;
        Ok(Self {
            inner: Arc::new(Inner { shared, node }),
        })
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// The own node: the address that other people send to.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.inner.node
    }

    /// Whether the session is logged in at this moment.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.shared().lock().session.status() == Status::Online
    }

    /// The device may have slept, or changed its network: connects at once instead of after the pause between two
    /// attempts, or finds out within [`SessionConfig::probe_timeout`] whether the connection is still alive. In
    /// browsers this happens by itself.
    pub fn nudge(&self) {
        self.shared().nudge();
    }

    /// Waits for the next event. `None`: the session has ended and all its events were taken.
    ///
    /// With several callers each event goes to one of them. Dropping the future loses no event.
    pub async fn next_event(&self) -> Option<Event> {
        future::poll_fn(|cx| self.shared().poll_event(cx)).await
    }

    /// The events as a [`Stream`](futures_util::Stream).
    #[must_use]
    pub fn events(&self) -> Events {
        Events { client: self.clone() }
    }

    /// Sends a message to a user or a room and waits until the server has stored it. Other kinds than chat messages
    /// are not confirmed by the server; they count as sent when they are written to the connection, and a refusal
    /// is [`Event::ServerError`].
    ///
    /// Users must be friends, and one must be a member of the room, else it is refused with 4105.
    ///
    /// The message is kept across reconnects and repeated with the same id, which the server stores once. There
    /// is no time limit: drop the future to stop waiting (the message stays queued).
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, to: impl Into<Conversation>, message: Outgoing) -> Result<Sent, SendError> {
        self.submit(to, message).await?.await
    }

    /// Sends a text, see [`Client::send`].
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send_text(
        &self,
        to: impl Into<Conversation>,
        text: impl Into<String>,
    ) -> Result<Sent, SendError> {
        self.send(to, Outgoing::text(text)).await
    }

    /// Queues a message and returns as soon as it is queued, so that many can be under way. Messages leave in the
    /// order of the calls. Waits while too many are unresolved ([`SessionConfig::max_pending_sends`],
    /// [`SessionConfig::max_pending_bytes`]); dropping the future before it is ready sends nothing.
    ///
    /// # Errors
    /// [`SendError::TooLarge`], [`SendError::Invalid`], [`SendError::NotConnected`], [`SendError::Closed`].
    pub async fn submit(
        &self,
        to: impl Into<Conversation>,
        message: Outgoing,
    ) -> Result<Confirmation, SendError> {
        let to = to.into();
        self.hand_over(message.size(), |session, now| session.send(now, to, message))
            .await
    }

    /// Waits for room in the outbox and hands something of that many bytes over.
    pub(super) async fn hand_over(
        &self,
        bytes: usize,
        send: impl FnOnce(&mut Session, Duration) -> Result<SendTicket, SendError>,
    ) -> Result<Confirmation, SendError> {
        let shared = self.shared();
        let _turn = shared.turn.lock().await;
        while !shared.lock().session.has_room_for(bytes) {
            shared.room.notified().await;
        }
        let receiver = {
            let mut state = shared.lock();
            let ticket = send(&mut state.session, shared.now())?;
            let (sender, receiver) = oneshot::channel();
            state.sends.insert(ticket, sender);
            receiver
        };
        shared.work.notify_one();
        Ok(Confirmation(receiver))
    }

    /// Takes an own message back. It disappears from the history of all sides, and all get [`Event::Recalled`].
    /// In a conversation with a user the server confirms with that event's delivery, so events must be taken.
    ///
    /// # Errors
    /// Refusals: 4104 no such message, 4105 not the author. See [`RequestError`].
    pub async fn recall(&self, conversation: impl Into<Conversation>, mid: Mid) -> Result<(), RequestError> {
        self.request(Request::Recall {
            conversation: conversation.into(),
            mid,
        })
        .await
        .map(drop)
    }

    /// Destroys a message received from `peer`. It disappears from the history of both sides, and both get
    /// [`Event::Burned`]. The server confirms with that event's delivery, so events must be taken.
    ///
    /// # Errors
    /// Refusals: 4104 no such message, 4105 not its recipient. See [`RequestError`].
    pub async fn burn(&self, peer: &Node, mid: Mid) -> Result<(), RequestError> {
        self.request(Request::Burn {
            peer: peer.clone(),
            mid,
        })
        .await
        .map(drop)
    }

    /// One page of the conversation with a user or of a room, newest first, 1 to 1000 messages (the server may send
    /// fewer). Empty: there is nothing at or before the start.
    ///
    /// # Errors
    /// Refusals: 4105 not a member of the room. See [`RequestError`].
    pub async fn history(
        &self,
        conversation: impl Into<Conversation>,
        start: HistoryStart,
        limit: u16,
    ) -> Result<Vec<Incoming>, RequestError> {
        match self
            .request(Request::History {
                conversation: conversation.into(),
                start,
                limit,
            })
            .await?
        {
            Reply::History(page) => Ok(page),
            _ => Ok(Vec::new()),
        }
    }

    /// Pages through the conversation with a user or of a room, from newest to oldest.
    #[must_use]
    pub fn history_pager(
        &self,
        conversation: impl Into<Conversation>,
        start: HistoryStart,
        page_size: u16,
    ) -> HistoryPager {
        HistoryPager::new(self.clone(), conversation.into(), start, page_size)
    }

    /// The friends.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn friends(&self) -> Result<Vec<Node>, RequestError> {
        self.request_nodes(Request::Friends).await
    }

    /// The users that are blocked.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn blocked(&self) -> Result<Vec<Node>, RequestError> {
        self.request_nodes(Request::Blocked).await
    }

    /// Asks for friendship with a greeting (at most 1 KiB). When the other side has asked before, this accepts.
    /// Lifts an own block of that user.
    ///
    /// # Errors
    /// Refusals: 4105 it is the own node, 4106 no such user, 4110 blocked by the other side, 4117 friends
    /// already. See [`RequestError`].
    pub async fn add_friend(&self, node: &Node, text: impl Into<String>) -> Result<Added, RequestError> {
        match self
            .request(Request::AddFriend {
                node: node.clone(),
                text: text.into(),
            })
            .await?
        {
            Reply::Added(added) => Ok(added),
            _ => Ok(Added::Requested),
        }
    }

    /// Accepts somebody's request for friendship: the same as [`Client::add_friend`] without greeting.
    ///
    /// # Errors
    /// See [`Client::add_friend`].
    pub async fn accept_friend(&self, node: &Node) -> Result<Added, RequestError> {
        self.add_friend(node, "").await
    }

    /// Ends a friendship, or withdraws or declines a request, or lifts an own block.
    ///
    /// # Errors
    /// Refusals: 4104 there is no relation with that user. See [`RequestError`].
    pub async fn remove_friend(&self, node: &Node) -> Result<(), RequestError> {
        self.request(Request::RemoveFriend { node: node.clone() })
            .await
            .map(drop)
    }

    /// Blocks a user, which ends a friendship.
    ///
    /// # Errors
    /// Refusals: 4105 it is the own node, 4106 no such user. See [`RequestError`].
    pub async fn block(&self, node: &Node) -> Result<(), RequestError> {
        self.request(Request::Block { node: node.clone() })
            .await
            .map(drop)
    }

    /// Lifts an own block. The two are strangers then.
    ///
    /// # Errors
    /// Refusals: 4104 there is no relation with that user. See [`RequestError`].
    pub async fn unblock(&self, node: &Node) -> Result<(), RequestError> {
        self.remove_friend(node).await
    }

    /// Changes the password. Automatic reconnects use the new one afterwards.
    ///
    /// # Errors
    /// Refusals: 4112 the old password is wrong or the new one not acceptable. See [`RequestError`].
    pub async fn change_password(&self, old: &str, new: &str) -> Result<(), RequestError> {
        let (old, new) = (Secret::new(old), Secret::new(new));
        self.request(Request::ChangePassword { old, new }).await.map(drop)
    }

    /// Closes the session: writes the acknowledgements of all events taken so far, says goodbye, and returns when
    /// the connection is gone, after 2 seconds at most. Unresolved sends and requests fail with `Closed`; await
    /// them first. Events that wait are not acknowledged and come again in the next session.
    ///
    /// Dropping the future does not stop the closing.
    pub async fn close(&self) {
        let shared = self.shared();
        let now = shared.now();
        shared.lock().session.close(now);
        shared.dispatch();
        shared.work.notify_one();
        loop {
            let done = shared.done.notified();
            if shared.lock().is_done {
                return;
            }
            done.await;
        }
    }

    pub(super) async fn request_nodes(&self, request: Request) -> Result<Vec<Node>, RequestError> {
        match self.request(request).await? {
            Reply::Nodes(nodes) => Ok(nodes),
            _ => Ok(Vec::new()),
        }
    }

    pub(super) async fn request(&self, request: Request) -> Result<Reply, RequestError> {
        self.ask(|session, now| session.request(now, request)).await
    }

    /// Hands a request over and waits for its answer.
    pub(super) async fn ask(
        &self,
        request: impl FnOnce(&mut Session, Duration) -> Result<RequestTicket, RequestError>,
    ) -> Result<Reply, RequestError> {
        let shared = self.shared();
        let receiver = {
            let mut state = shared.lock();
            let ticket = request(&mut state.session, shared.now())?;
            let (sender, receiver) = oneshot::channel();
            state.requests.insert(ticket, sender);
            receiver
        };
        shared.work.notify_one();
        receiver.await.unwrap_or(Err(RequestError::Closed))
    }
}

/// Becomes ready when the server has confirmed or refused a message. Dropping it does not stop the message.
#[derive(Debug)]
pub struct Confirmation(oneshot::Receiver<Result<Sent, SendError>>);

impl Future for Confirmation {
    type Output = Result<Sent, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|result| result.unwrap_or(Err(SendError::Closed)))
    }
}
