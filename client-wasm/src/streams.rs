//! Virtual rooms: publishing and subscribing.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use js_sys::Promise;
use tim_client::{
    Frame, Publication, RequestError, SubscribeOptions, Subscription, VirtualRoom, VirtualRoomAccess,
};
use tokio::sync::Notify;
use wasm_bindgen::prelude::*;

use crate::client::RawClient;
use crate::failure::Failure;
use crate::fields::{self, Fields};
use crate::promise;
use crate::record::{self, Record};

#[wasm_bindgen]
impl RawClient {
    /// Creates a virtual room and answers its address.
    pub fn create_virtual_room(&self, access: JsValue) -> Promise {
        let client = self.client.clone();
        promise(async move {
            let fields = Fields(&access);
            let mut access = VirtualRoomAccess::open();
            if let Some(password) = fields.text("password")? {
                access = access.with_password(password);
            }
            if let Some(room) = fields.room("membersOf")? {
                access = access.with_members_of(&room);
            }
            Ok(client.create_virtual_room(access).await?.to_string())
        })
    }

    /// A handle for a virtual room.
    pub fn virtual_room(&self, id: String) -> Result<RawVirtualRoom, JsValue> {
        Ok(RawVirtualRoom {
            room: self.client.virtual_room(&fields::virtual_room(&id)?),
        })
    }
}

/// A virtual room, as this user sees it.
#[wasm_bindgen]
pub struct RawVirtualRoom {
    room: VirtualRoom,
}

#[wasm_bindgen]
impl RawVirtualRoom {
    /// Publishes a frame.
    pub fn publish(&self, body: Vec<u8>, options: JsValue) -> Promise {
        let room = self.room.clone();
        promise(async move {
            let fields = Fields(&options);
            let mut frame = if fields.flag("binary")? == Some(true) {
                Publication::binary(body)
            } else {
                Publication::new(body)
            };
            if let Some(kind) = fields.number("kind")? {
                frame = frame.with_kind(kind);
            }
            room.publish(frame).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Subscribes.
    pub fn subscribe(&self, options: JsValue) -> Promise {
        let room = self.room.clone();
        promise(async move {
            let subscription = room.subscribe(subscribe_options(&Fields(&options))?).await?;
            Ok(RawSubscription {
                state: Rc::new(State {
                    subscription: RefCell::new(Some(subscription)),
                    closed: Notify::new(),
                }),
            })
        })
    }

    /// Lets a user publish too.
    pub fn grant(&self, user: String) -> Promise {
        let room = self.room.clone();
        promise(async move {
            room.grant(&fields::node(&user)?).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Takes that back.
    pub fn revoke(&self, user: String) -> Promise {
        let room = self.room.clone();
        promise(async move {
            room.revoke(&fields::node(&user)?).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Ends the virtual room.
    pub fn remove(&self) -> Promise {
        let room = self.room.clone();
        promise(async move {
            room.remove().await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

fn subscribe_options(fields: &Fields<'_>) -> Result<SubscribeOptions, Failure> {
    let mut options = SubscribeOptions::new();
    if fields.flag("binary")? == Some(true) {
        options = options.binary();
    }
    if let Some(password) = fields.text("password")? {
        options = options.with_password(password);
    }
    let frames = fields.number("maxFrames")?.unwrap_or(options.max_frames);
    let bytes = fields.number("maxBytes")?.unwrap_or(options.max_bytes);
    Ok(options.with_buffer(frames, bytes))
}

/// Frames as they arrive.
#[wasm_bindgen]
pub struct RawSubscription {
    state: Rc<State>,
}

struct State {
    /// Nothing when it was closed here.
    subscription: RefCell<Option<Subscription>>,
    closed: Notify,
}

#[wasm_bindgen]
impl RawSubscription {
    /// The next frame, or nothing after the last. Fails when the subscription was ended by others.
    pub fn next(&self) -> Promise {
        let state = Rc::clone(&self.state);
        promise(async move {
            let frame = poll_fn(|cx| match state.subscription.borrow_mut().as_mut() {
                Some(subscription) => subscription.poll_next_unpin(cx),
                None => Poll::Ready(None),
            });
            let closed = Box::pin(state.closed.notified());
            match select(frame, closed).await {
                Either::Left((Some(frame), _)) => Ok(write_frame(&frame)),
                Either::Left((None, _)) => match state.end_reason() {
                    None | Some(RequestError::Closed) => Ok(JsValue::UNDEFINED),
                    Some(reason) => Err(reason.into()),
                },
                Either::Right(_) => Ok(JsValue::UNDEFINED),
            }
        })
    }

    /// Frames that were dropped because they were not taken in time.
    pub fn dropped(&self) -> u64 {
        let subscription = self.state.subscription.borrow();
        subscription.as_ref().map_or(0, Subscription::dropped)
    }

    /// Ends the subscription.
    pub fn close(&self) {
        drop(self.state.subscription.take());
        self.state.closed.notify_waiters();
    }
}

impl State {
    fn end_reason(&self) -> Option<RequestError> {
        self.subscription.borrow().as_ref()?.end_reason().cloned()
    }
}

fn write_frame(frame: &Frame) -> JsValue {
    Record::new()
        .shown("from", frame.from.as_ref())
        .maybe("kind", frame.kind)
        .maybe("id", frame.id.map(record::integer))
        .with("body", record::bytes(&frame.body))
        .into()
}
