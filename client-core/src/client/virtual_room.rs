//! Virtual rooms in an application's hands: publishing to them and receiving from them (`wire-protocol 7.12`).

use std::future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tim_protocol::Node;

use super::handle::Client;
use crate::error::{RequestError, SendError};
use crate::session::{Reply, Request, Taken, VirtualRoomOperation};
use crate::stream::{Frame, Publication, SubscribeOptions, VirtualRoomAccess, VirtualRoomId};

impl Client {
    /// Creates a virtual room: a channel that is not stored, to which this user publishes and others subscribe. It
    /// disappears some minutes after the last frame, and when the server is started again.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn create_virtual_room(
        &self,
        access: VirtualRoomAccess,
    ) -> Result<VirtualRoomId, RequestError> {
        match self.request(Request::CreateVirtualRoom(access)).await? {
            Reply::VirtualRoomCreated(room) => Ok(room),
            _ => Err(RequestError::Invalid("the server named no virtual room")),
        }
    }

    /// A handle for a virtual room. Asks nothing of the server.
    #[must_use]
    pub fn virtual_room(&self, id: &VirtualRoomId) -> VirtualRoom {
        VirtualRoom {
            client: self.clone(),
            id: id.clone(),
        }
    }
}

/// A virtual room, as this user sees it. Clones are cheap; each of them keeps the session open like a [`Client`].
///
/// ```no_run
/// use tim_client::{Client, Publication, SubscribeOptions, VirtualRoomAccess};
///
/// # async fn example(presenter: Client, viewer: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let id = presenter.create_virtual_room(VirtualRoomAccess::open()).await?;
///
/// // The id reaches the viewer by a message, for example.
/// let mut frames = viewer.virtual_room(&id).subscribe(SubscribeOptions::new()).await?;
/// presenter.virtual_room(&id).publish(Publication::new(&b"first"[..]).with_kind(1)).await?;
/// while let Some(frame) = frames.next_frame().await {
///     println!("{} bytes, {} frames lost so far", frame.body.len(), frames.dropped());
/// }
/// println!("over: {:?}", frames.end_reason());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct VirtualRoom {
    client: Client,
    id: VirtualRoomId,
}

impl VirtualRoom {
    /// The address of the virtual room, which others need to subscribe.
    #[must_use]
    pub fn id(&self) -> &VirtualRoomId {
        &self.id
    }

    /// Publishes a frame to everybody who is subscribed now. Returns when it is on its way to the server: whether
    /// anybody gets it is not told, and a refusal (4105 not the owner, or the virtual room is gone) is
    /// [`Event::ServerError`](crate::Event::ServerError). Waits while too much is under way. Frames are not repeated
    /// after a lost connection.
    ///
    /// # Errors
    /// [`SendError::TooLarge`] above [`SessionConfig::max_packet_bytes`](crate::SessionConfig::max_packet_bytes),
    /// for binary frames above [`SessionConfig::max_big_bytes`](crate::SessionConfig::max_big_bytes),
    /// [`SendError::NotConnected`], [`SendError::Closed`].
    pub async fn publish(&self, frame: Publication) -> Result<(), SendError> {
        let id = &self.id;
        self.client
            .hand_over(frame.body.len(), |session, _| session.publish(id, frame))
            .await?
            .await
            .map(drop)
    }

    /// Subscribes, also after every reconnect, until the subscription is dropped. Each session can subscribe to a
    /// virtual room once, and to 256 of them.
    ///
    /// # Errors
    /// Refusals: 5101 there is no such virtual room, 4105 the password is wrong or membership in a room is needed.
    /// [`RequestError::Invalid`] when the session is subscribed already. See [`RequestError`].
    pub async fn subscribe(&self, options: SubscribeOptions) -> Result<Subscription, RequestError> {
        let id = &self.id;
        let mut subscription = None;
        // From the moment of asking, so that it ends when this future is dropped.
        self.client
            .ask(|session, now| {
                let ticket = session.subscribe(now, id, options)?;
                subscription = Some(Subscription {
                    client: self.client.clone(),
                    room: id.clone(),
                    end: None,
                });
                Ok(ticket)
            })
            .await?;
        subscription.ok_or(RequestError::Closed)
    }

    /// Lets a user publish to the virtual room too. Only its creator may.
    ///
    /// # Errors
    /// The original refuses this always, with code 0. See [`RequestError`].
    pub async fn grant(&self, user: &Node) -> Result<(), RequestError> {
        self.run(VirtualRoomOperation::Grant(user.clone())).await
    }

    /// Takes back what [`VirtualRoom::grant`] gave.
    ///
    /// # Errors
    /// See [`VirtualRoom::grant`].
    pub async fn revoke(&self, user: &Node) -> Result<(), RequestError> {
        self.run(VirtualRoomOperation::Revoke(user.clone())).await
    }

    /// Ends the virtual room. Subscribers are not told.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn remove(&self) -> Result<(), RequestError> {
        self.run(VirtualRoomOperation::Remove).await
    }

    async fn run(&self, operation: VirtualRoomOperation) -> Result<(), RequestError> {
        self.client
            .request(Request::VirtualRoom {
                room: self.id.clone(),
                operation,
            })
            .await
            .map(drop)
    }
}

/// Frames of a virtual room as they arrive. Dropping it ends the subscription. Also a
/// [`Stream`](futures_util::Stream).
///
/// Frames that are not taken in time are dropped, the oldest first, within the limits of [`SubscribeOptions`]; other
/// subscriptions and events are not affected. Frames published while the connection is lost are lost.
#[derive(Debug)]
pub struct Subscription {
    client: Client,
    room: VirtualRoomId,
    end: Option<RequestError>,
}

impl Subscription {
    /// Waits for the next frame. `None`: the subscription has ended, see [`Subscription::end_reason`]. Dropping the
    /// future loses no frame.
    pub async fn next_frame(&mut self) -> Option<Frame> {
        future::poll_fn(|cx| self.poll_frame(cx)).await
    }

    /// The virtual room.
    #[must_use]
    pub fn room(&self) -> &VirtualRoomId {
        &self.room
    }

    /// Frames that were dropped here because they were not taken in time. What the server dropped is not known.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.client.shared().lock().session.dropped_frames(&self.room)
    }

    /// Why the subscription ended, after [`Subscription::next_frame`] has returned `None`: the client was closed, or
    /// the server refused to subscribe again after a reconnect, for example because the virtual room is gone.
    #[must_use]
    pub fn end_reason(&self) -> Option<&RequestError> {
        self.end.as_ref()
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        if self.end.is_some() {
            return Poll::Ready(None);
        }
        let mut state = self.client.shared().lock();
        match state.session.take_frame(&self.room) {
            Taken::Frame(frame) => Poll::Ready(Some(frame)),
            Taken::Nothing => {
                state.frame_wakers.insert(self.room.clone(), cx.waker().clone());
                Poll::Pending
            }
            Taken::Ended(reason) => {
                drop(state);
                self.end = Some(reason);
                Poll::Ready(None)
            }
        }
    }
}

impl Stream for Subscription {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        self.poll_frame(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let shared = self.client.shared();
        let now = shared.now();
        let mut state = shared.lock();
        state.frame_wakers.remove(&self.room);
        state.session.unsubscribe(now, &self.room);
        drop(state);
        shared.work.notify_one();
    }
}
