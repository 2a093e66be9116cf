//! Which emoji were used lately and in which skin tone: kept by the browser, for everybody who uses it.

use serde::{Deserialize, Serialize};

use crate::emoji::{Tone, used};

const KEY: &str = "tim.emoji";
const MOST: usize = 27;

/// What is offered first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Habits {
    recent: Vec<String>,
    tone: usize,
}

impl Habits {
    /// What the browser keeps.
    pub(super) fn load() -> Self {
        let text = storage().and_then(|storage| storage.get_item(KEY).ok().flatten());
        text.and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    fn save(&self) {
        if let (Some(storage), Ok(text)) = (storage(), serde_json::to_string(self)) {
            // Without storage they last as long as the page.
            drop(storage.set_item(KEY, &text));
        }
    }

    /// The emoji used last, the newest first.
    pub(super) fn recent(&self) -> &[String] {
        &self.recent
    }

    /// The skin tone.
    pub(super) fn tone(&self) -> Tone {
        Tone::from_number(self.tone)
    }

    /// The same with an emoji used once more.
    pub(super) fn with_used(&self, text: &str) -> Self {
        let habits = Self {
            recent: used(&self.recent, text, MOST),
            tone: self.tone,
        };
        habits.save();
        habits
    }

    /// The same with another skin tone.
    pub(super) fn with_tone(&self, tone: Tone) -> Self {
        let habits = Self {
            recent: self.recent.clone(),
            tone: tone.number(),
        };
        habits.save();
        habits
    }
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}
