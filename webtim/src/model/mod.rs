//! What this tab knows, as plain data. Changes are methods of the slices; nothing here knows the browser, the
//! connection or the time of day (times are passed in).

mod chat_id;
mod drafts;
mod navigation;
mod preferences;
mod session;
mod toasts;
mod transfers;
mod trouble;

pub use self::chat_id::ChatId;
pub use self::drafts::{Draft, Drafts};
pub use self::navigation::{Dialog, Navigation, Screen};
pub use self::preferences::{Density, Preferences, TextSize, Theme, Word};
pub use self::session::{Connection, Phase, Session};
pub use self::toasts::{Toast, ToastId, Toasts};
pub use self::transfers::{Download, Progress, Transfers, Upload, UploadId, percent};
pub use self::trouble::Trouble;

/// Everything that is known.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Who is logged in, and how the connection is.
    pub session: Session,
    /// What is on the screen: screen, open chat, dialogs.
    pub navigation: Navigation,
    /// What was chosen for this browser.
    pub preferences: Preferences,
    /// What was written and not sent yet.
    pub drafts: Drafts,
    /// Files on their way.
    pub transfers: Transfers,
    /// Brief notices.
    pub toasts: Toasts,
}
