//! What this session has subscribed to, and the frames that wait for the application. A subscription whose frames are
//! not taken loses the oldest of them, which is counted, and hurts no other one. Subscriptions end with a connection
//! on the server's side, so they are made anew after a reconnect.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::request::{Request, VirtualRoomOperation};
use super::{RequestTicket, Session, Status};
use crate::error::RequestError;
use crate::stream::{Frame, SubscribeOptions, VirtualRoomId};

/// Subscriptions of one session at the same time.
const MAX_SUBSCRIPTIONS: usize = 256;

/// Fixed cost of a frame in the byte budget.
const OVERHEAD: usize = 64;

#[derive(Debug)]
struct Subscription {
    options: SubscribeOptions,
    /// The server has confirmed it before, so it is made anew after a reconnect.
    is_active: bool,
    ended: Option<RequestError>,
    frames: VecDeque<Frame>,
    bytes: usize,
    dropped: u64,
    /// Its news have been announced and not been looked at since.
    is_announced: bool,
}

impl Subscription {
    fn push(&mut self, frame: Frame) {
        let cost = frame.body.len() + OVERHEAD;
        self.bytes += cost;
        self.frames.push_back(frame);
        while self.frames.len() > self.options.max_frames.max(1)
            || self.frames.len() > 1 && self.bytes > self.options.max_bytes
        {
            if self.pop().is_none() {
                return;
            }
            self.dropped += 1;
        }
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.body.len() + OVERHEAD;
        Some(frame)
    }
}

/// What [`Session::take_frame`] has to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Taken {
    /// A frame.
    Frame(Frame),
    /// Nothing waits.
    Nothing,
    /// The subscription has ended and all its frames were taken.
    Ended(RequestError),
}

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    rooms: HashMap<VirtualRoomId, Subscription>,
    news: VecDeque<VirtualRoomId>,
}

impl Subscriptions {
    /// A frame arrived. Frames of virtual rooms that are not subscribed to (any more) are nobody's.
    pub(super) fn receive(&mut self, room: &VirtualRoomId, frame: Frame) {
        if let Some(subscription) = self.rooms.get_mut(room)
            && subscription.ended.is_none()
        {
            subscription.push(frame);
            self.announce(room);
        }
    }

    /// The server has answered a request to subscribe.
    pub(super) fn answered(
        &mut self,
        room: &VirtualRoomId,
        result: Result<(), &RequestError>,
        is_online: bool,
    ) {
        let Some(subscription) = self.rooms.get_mut(room) else {
            return;
        };
        match result {
            Ok(()) => subscription.is_active = true,
            // It is asked for again on the next connection.
            Err(RequestError::TimedOut) if subscription.is_active && !is_online => {}
            Err(error) if subscription.is_active => {
                subscription.ended = Some(error.clone());
                self.announce(room);
            }
            // Whoever asked for it is told by the answer.
            Err(_) => {
                self.rooms.remove(room);
            }
        }
    }

    /// What has to be subscribed to again on a new connection.
    fn to_renew(&self) -> Vec<(VirtualRoomId, SubscribeOptions)> {
        self.rooms
            .iter()
            .filter(|(_, subscription)| subscription.is_active && subscription.ended.is_none())
            .map(|(room, subscription)| (room.clone(), subscription.options.clone()))
            .collect()
    }

    /// The session is over.
    pub(super) fn end_all(&mut self) {
        let rooms: Vec<_> = self.rooms.keys().cloned().collect();
        for room in rooms {
            if let Some(subscription) = self.rooms.get_mut(&room) {
                subscription.ended.get_or_insert(RequestError::Closed);
            }
            self.announce(&room);
        }
    }

    fn announce(&mut self, room: &VirtualRoomId) {
        if let Some(subscription) = self.rooms.get_mut(room)
            && !std::mem::replace(&mut subscription.is_announced, true)
        {
            self.news.push_back(room.clone());
        }
    }
}

impl Session {
    /// Subscribes to a virtual room. What arrives is kept within the limits of the options until
    /// [`Session::take_frame`] is called. The subscription is made anew after a reconnect, and lasts until
    /// [`Session::unsubscribe`].
    ///
    /// # Errors
    /// [`RequestError::Invalid`] when the virtual room is subscribed to already, [`RequestError::TooMany`] above 256
    /// subscriptions, and those of [`Session::request`].
    pub fn subscribe(
        &mut self,
        now: Duration,
        room: &VirtualRoomId,
        options: SubscribeOptions,
    ) -> Result<RequestTicket, RequestError> {
        if self.subscriptions.rooms.contains_key(room) {
            return Err(RequestError::Invalid(
                "this virtual room is subscribed to already",
            ));
        }
        if self.subscriptions.rooms.len() >= MAX_SUBSCRIPTIONS {
            return Err(RequestError::TooMany);
        }
        let ticket = self.request(now, subscribe_request(room, &options))?;
        let subscription = Subscription {
            options,
            is_active: false,
            ended: None,
            frames: VecDeque::new(),
            bytes: 0,
            dropped: 0,
            is_announced: false,
        };
        self.subscriptions.rooms.insert(room.clone(), subscription);
        Ok(ticket)
    }

    /// Ends a subscription and discards its frames. Does nothing when there is none.
    pub fn unsubscribe(&mut self, now: Duration, room: &VirtualRoomId) {
        let Some(subscription) = self.subscriptions.rooms.remove(room) else {
            return;
        };
        self.subscriptions.news.retain(|other| other != room);
        let is_asked = self
            .requests
            .is_waiting(&subscribe_request(room, &subscription.options));
        if is_asked || subscription.ended.is_none() && self.status() == Status::Online {
            // Nobody waits for the answer.
            self.push_request(
                now,
                Request::VirtualRoom {
                    room: room.clone(),
                    operation: VirtualRoomOperation::Unsubscribe,
                },
            );
        }
    }

    /// The oldest frame that waits.
    pub fn take_frame(&mut self, room: &VirtualRoomId) -> Taken {
        let Some(subscription) = self.subscriptions.rooms.get_mut(room) else {
            return Taken::Ended(RequestError::Closed);
        };
        subscription.is_announced = false;
        match (subscription.pop(), &subscription.ended) {
            (Some(frame), _) => Taken::Frame(frame),
            (None, Some(error)) => Taken::Ended(error.clone()),
            (None, None) => Taken::Nothing,
        }
    }

    /// How many frames of a subscription were dropped because the application did not take them in time.
    #[must_use]
    pub fn dropped_frames(&self, room: &VirtualRoomId) -> u64 {
        self.subscriptions
            .rooms
            .get(room)
            .map_or(0, |subscription| subscription.dropped)
    }

    /// A virtual room for which [`Session::take_frame`] has something new.
    pub fn poll_frames(&mut self) -> Option<VirtualRoomId> {
        self.subscriptions.news.pop_front()
    }

    /// Asks for all subscriptions again, on a new connection.
    pub(super) fn renew_subscriptions(&mut self, now: Duration) {
        for (room, options) in self.subscriptions.to_renew() {
            let request = subscribe_request(&room, &options);
            if !self.requests.is_waiting(&request) {
                // Its answer is looked at when it comes; no ticket is handed out.
                self.push_request(now, request);
            }
        }
    }
}

fn subscribe_request(room: &VirtualRoomId, options: &SubscribeOptions) -> Request {
    Request::VirtualRoom {
        room: room.clone(),
        operation: VirtualRoomOperation::Subscribe {
            mode: options.mode,
            password: options.password.clone(),
        },
    }
}
