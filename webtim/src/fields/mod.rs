//! The fields that turn a chat message into a file, an answer, or something to be read once (`docs/web-api.md`, last section).
//! They come from other people: what does not make sense is taken for absent. Nothing here knows the page.

mod burn;
mod file;
mod fit;
mod kind;
mod peaks;
mod reply;

pub use self::burn::{BURN, reading_seconds};
pub use self::file::{FILE, File, MAX_NAME, file_name};
pub use self::fit::{Box2, fit};
pub use self::kind::{FileKind, Shown};
pub use self::peaks::Peaks;
pub use self::reply::{REPLY, Reply};
