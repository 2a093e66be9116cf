//! The asynchronous client: handles of the application on one side, a task that drives the session core over a
//! connection on the other, a lock around the core between them. No lock is ever held across an await.

mod accounts;
mod builder;
mod driver;
mod events;
mod handle;
mod history;
mod people;
mod room;
mod shared;
mod virtual_room;

pub use self::accounts::AccountError;
pub use self::builder::ClientBuilder;
pub use self::events::Events;
pub use self::handle::{Client, Confirmation};
pub use self::history::HistoryPager;
pub use self::room::Room;
pub use self::virtual_room::{Subscription, VirtualRoom};
