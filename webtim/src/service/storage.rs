//! What is kept in the browser between visits. Never a password, never a token, never a message.

use tim_client::Node;

use super::Service;
use crate::model::{Drafts, Remembered};

/// Reads from the browser's storage. `None` also where it is switched off.
pub(crate) fn read(key: &str) -> Option<String> {
    web_sys::window()?.local_storage().ok()??.get_item(key).ok()?
}

/// Writes to the browser's storage. Where it is switched off or full, nothing is kept, which is no reason to stop.
pub(crate) fn write(key: &str, value: &str) {
    if let Some(Ok(Some(storage))) = web_sys::window().map(|window| window.local_storage()) {
        let _kept = storage.set_item(key, value);
    }
}

pub(super) fn account_key(me: &Node) -> String {
    format!("tim.account.{me}")
}

pub(super) fn drafts_key(me: &Node) -> String {
    format!("tim.drafts.{me}")
}

impl Service {
    /// Takes up what this browser keeps of the account.
    pub(super) fn recollect(&self, me: &Node) {
        let remembered =
            read(&account_key(me)).and_then(|text| serde_json::from_str::<Remembered>(&text).ok());
        let drafts = read(&drafts_key(me)).map(|text| Drafts::from_json(&text));
        self.store.change(|model| {
            if let Some(remembered) = remembered {
                remembered.apply(model);
            }
            if let Some(drafts) = drafts {
                model.drafts = drafts;
            }
        });
    }

    /// Keeps markers, pins and requests soon. Many changes together are written once.
    pub(super) fn remember(&self) {
        if self.inner.storing.replace(true) {
            return;
        }
        let service = self.clone();
        self.spawn(async move {
            gloo_timers::future::TimeoutFuture::new(300).await;
            service.inner.storing.set(false);
            service.remember_now();
        });
    }

    /// Keeps everything now, for example because the page is about to go.
    pub fn remember_now(&self) {
        let model = self.store.model();
        let Some(me) = &model.session.me else {
            return;
        };
        if let Ok(text) = serde_json::to_string(&Remembered::of(&model)) {
            write(&account_key(me), &text);
        }
    }

    /// Keeps what is half written. The composer calls it after a pause in typing and when it loses the focus.
    pub fn remember_drafts(&self) {
        let model = self.store.model();
        if let Some(me) = &model.session.me {
            write(&drafts_key(me), &model.drafts.to_json());
        }
    }
}
