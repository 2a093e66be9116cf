//! What this tab knows, as plain data. Changes are methods of the slices; nothing here knows the browser, the
//! connection or the time of day (times are passed in).

mod attention;
mod burning;
mod chat;
mod chat_id;
mod chats;
mod drafts;
mod inbox;
mod listing;
mod message;
mod mood;
mod navigation;
mod news;
mod people;
mod preferences;
mod relation;
mod remembered;
mod rooms;
mod session;
mod toasts;
mod transfers;
mod trouble;

#[cfg(test)]
mod tests;

pub use self::attention::Attention;
pub use self::burning::Burning;
pub use self::chat::{Chat, Past};
pub use self::chat_id::ChatId;
pub use self::chats::Chats;
pub use self::drafts::{Draft, Drafts};
pub use self::inbox::{Inbox, Petition, Wish};
pub use self::listing::{Filter, Summary};
pub use self::message::{Arrived, Body, Content, Delivery, Happening, Message, Removed, RowId, Sending};
pub use self::mood::Mood;
pub use self::navigation::{Dialog, Navigation, Screen};
pub use self::news::{Done, News};
pub use self::people::{Availability, Online, People};
pub use self::preferences::{Density, Preferences, TextSize, Theme, Word};
pub use self::relation::Relation;
pub use self::remembered::Remembered;
pub use self::rooms::{ANNOUNCEMENT, Role, Room, Rooms, Turnover};
pub use self::session::{Connection, Ended, Phase, Session};
pub use self::toasts::{Toast, ToastId, Toasts};
pub use self::transfers::{Download, Progress, Transfers, Upload, UploadId, percent};
pub use self::trouble::Trouble;

/// Everything that is known.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Who is logged in, and how the connection is.
    pub session: Session,
    /// All conversations.
    pub chats: Chats,
    /// Other people.
    pub people: People,
    /// Rooms, which people call groups.
    pub rooms: Rooms,
    /// What waits for a decision.
    pub inbox: Inbox,
    /// What is on the screen: screen, open chat, dialogs.
    pub navigation: Navigation,
    /// What was chosen for this browser.
    pub preferences: Preferences,
    /// What was written and not sent yet.
    pub drafts: Drafts,
    /// Which conversations are not to disturb.
    pub attention: Attention,
    /// Messages that were uncovered and are about to be burned.
    pub burning: Burning,
    /// Files on their way.
    pub transfers: Transfers,
    /// Brief notices.
    pub toasts: Toasts,
}

impl Model {
    /// Goes to a chat: what is unread in it stays marked until it is left.
    pub fn open_chat(&mut self, id: &ChatId) {
        if self.navigation.chat() != Some(id) {
            self.close_chat();
            self.chats.open(id);
        }
        self.navigation.open(id.clone());
    }

    /// Leaves the open chat, for the list.
    pub fn close_chat(&mut self) {
        if let Some(id) = self.navigation.chat().cloned() {
            self.chats.close(&id);
            self.navigation.close_chat();
        }
    }

    /// A conversation is over: it disappears, also from the screen.
    pub fn leave_chat(&mut self, id: &ChatId) {
        if self.navigation.chat() == Some(id) {
            self.close_chat();
        }
        self.chats.drop_chat(id);
    }
}
