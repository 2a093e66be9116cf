//! Client SDK for tim instant-messaging servers.
//!
//! - `ClientBuilder` (feature `native` or `browser`) chooses a server, registers accounts and opens sessions.
//! - `Client` (feature `native` or `browser`) is a session: send, receive, friends, history, profiles, presence. Every
//!   method says its limits, errors and what dropping its future does. `Room` and `VirtualRoom` are handles it gives out.
//! - `web::WebApi` (feature `browser`) is the HTTP API beside it: logins that are remembered, people, rooms, files.
//! - [`Event`] is what a session tells the application.
//! - [`session`] is the core below: a state machine without I/O and clock, for other transports. It is all that is
//!   left without features, and builds for `wasm32-unknown-unknown`.
//!
//! # A session
//!
#![cfg_attr(feature = "native", doc = "```no_run")]
#![cfg_attr(not(feature = "native"), doc = "```ignore")]
//! use tim_client::{ClientBuilder, Credentials, Event, HistoryStart, Outgoing};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = ClientBuilder::new("wss://chat.example.org")?.resource("laptop");
//! let client = server.connect(Credentials::password("alice", "correct horse battery")).await?;
//!
//! let friends = client.friends().await?;
//! let bob = &friends[0];
//!
//! // Returns when the server has stored the message.
//! let sent = client.send(bob, Outgoing::text("Hello").with_field("colour", "blue")).await?;
//! println!("message number {:?}", sent.mid);
//!
//! // Many at once: queued in order, confirmed one by one.
//! let first = client.submit(bob, Outgoing::text("one")).await?;
//! let second = client.submit(bob, Outgoing::text("two")).await?;
//! first.await?;
//! second.await?;
//!
//! // Backwards through the conversation.
//! let mut pages = client.history_pager(bob, HistoryStart::Newest, 50);
//! loop {
//!     let page = pages.next_page().await?;
//!     if page.is_empty() {
//!         break;
//!     }
//!     for message in page {
//!         println!("{:?}: {:?}", message.mid, message.text);
//!     }
//! }
//!
//! while let Some(event) = client.next_event().await {
//!     match event {
//!         Event::Message(message) => println!("{:?}", message.text),
//!         Event::LoggedOut { reason } => println!("the end: {reason:?}"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Rooms, presence, streams
//!
#![cfg_attr(feature = "native", doc = "```no_run")]
#![cfg_attr(not(feature = "native"), doc = "```ignore")]
//! use tim_client::{Client, Event, NoticeKind, Presence, RoomKind, UserProfile};
//!
//! # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
//! // Everything about one room goes through its handle; history, recall and paging are the same as with users.
//! let room = client.room(&client.create_room(RoomKind::Private, "Choir").await?);
//! room.send_text("Practice is on Friday.").await?;
//!
//! // Told to all friends, and again after every reconnect.
//! client.set_presence(Presence::new().with_status("singing")).await?;
//! client.set_profile(UserProfile::new().with_nickname("Al")).await?;
//!
//! while let Some(event) = client.next_event().await {
//!     match event {
//!         Event::Notice(notice) if notice.kind == NoticeKind::JoinRequest => {
//!             if let (Some(id), Some(singer)) = (&notice.room, &notice.from) {
//!                 client.room(id).approve(singer).await?;
//!             }
//!         }
//!         Event::PresenceChanged(change) => println!("{}: {:?}", change.from, change.status),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is guaranteed
//!
//! Towards the server every delivery is acknowledged after the application has taken it, never before. Within one
//! client every message is handed out once and every conversation in order, however often the connection breaks.
//!
//! When the application itself crashes, messages that it had not taken come again, and so may the last ones it had
//! taken: recognise repeats by [`Incoming::conversation`] and [`Incoming::mid`]. By default a message counts as
//! received when it is taken; with [`Acknowledge::WhenNextIsTaken`] it counts when the application comes
//! back for the next one, so that a message is never gone before it was processed.
//!
//! A sent chat message is stored exactly once by servers that recognise repeats, which all but the original do
//! ([`ServerKind`]). Other kinds of messages are sent at most once.
//!
//! # Writing a transport
//!
//! ```
//! use std::time::Duration;
//! use tim_client::session::{Action, Session};
//! use tim_client::{Credentials, SessionConfig};
//!
//! // Seed and wall clock come from outside, and so does the time of every call.
//! let mut session = Session::new(SessionConfig::default(), 4711, 1_800_000_000_000);
//! session.start(Duration::ZERO, Credentials::password("alice", "secret"));
//! assert_eq!(session.poll_action(), Some(Action::Open));
//!
//! // The transport has opened a WebSocket.
//! session.opened(Duration::from_millis(20));
//! let login = session.poll_packet(Duration::from_millis(20)).expect("the first packet is the login");
//! assert_eq!(login[0], 16);
//! ```

pub mod session;

/// Keeps the code in the read-me working.
#[cfg(all(doctest, feature = "native"))]
#[doc = include_str!("../README.md")]
struct ReadMe;

#[cfg(any(feature = "native", feature = "browser"))]
mod client;
mod error;
mod event;
mod message;
mod presence;
mod room;
#[cfg(any(feature = "native", feature = "browser"))]
mod runtime;
mod stream;
mod transport;
mod user;
#[cfg(feature = "browser")]
pub mod web;

pub use tim_protocol::{Encoding, ErrorCode, Node};

pub use self::error::{ConnectError, Refusal, RequestError, SendError};
pub use self::event::{DisconnectReason, Event, LogoutReason};
pub use self::message::{
    Conversation, Device, Incoming, MessageKind, Mid, Notice, NoticeKind, Outgoing, Removal, Sent, Timestamp,
};
pub use self::presence::{Presence, PresenceChange, SubStatus};
pub use self::room::{RoomId, RoomKind, RoomProfile};
pub use self::session::{
    Acknowledge, Added, Credentials, HistoryStart, Reconnect, Renewal, Secret, ServerKind, SessionConfig,
};
pub use self::stream::{Frame, Publication, StreamMode, SubscribeOptions, VirtualRoomAccess, VirtualRoomId};
pub use self::transport::{AddressError, ServerAddress};
pub use self::user::UserProfile;

#[cfg(any(feature = "native", feature = "browser"))]
pub use self::client::{
    AccountError, Client, ClientBuilder, Confirmation, Events, HistoryPager, Room, Subscription, VirtualRoom,
};
#[cfg(feature = "native")]
pub use self::transport::native::TlsError;
