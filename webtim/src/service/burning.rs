//! Burns messages when their time has come. What was uncovered burns also when the page was closed or offline meanwhile.

use gloo_timers::future::TimeoutFuture;
use tim_client::Node;

use super::storage::{read, write};
use super::{Service, now};
use crate::model::{Burning, ChatId, Removed, Trouble};

/// Pause before another attempt without a connection, in milliseconds.
const PAUSE: u32 = 5000;

fn key(me: &Node) -> String {
    format!("tim.burning.{me}")
}

impl Service {
    /// Uncovers a message for so many seconds. Afterwards it burns.
    pub fn uncover(&self, chat: &ChatId, mid: i64, seconds: u32) {
        let deadline = now() + i64::from(seconds) * 1000;
        self.store()
            .change(|model| model.burning.uncover(chat, mid, deadline));
        self.keep_burning();
        self.burn_in(seconds.saturating_mul(1000));
    }

    /// Burns an uncovered message at once.
    pub fn burn_now(&self, chat: &ChatId, mid: i64) {
        self.store().change(|model| {
            model.burning.burned(chat, mid);
            model.burning.uncover(chat, mid, now());
        });
        self.keep_burning();
        self.burn_in(0);
    }

    /// Takes up what this browser uncovered before.
    pub(super) fn resume_burning(&self, me: &Node) {
        if let Some(text) = read(&key(me)) {
            let burning = Burning::from_json(&text);
            let next = burning.next();
            self.store().change(|model| model.burning = burning);
            if let Some(next) = next {
                self.burn_in(u32::try_from((next - now()).max(1000)).unwrap_or(u32::MAX));
            }
        }
    }

    fn keep_burning(&self) {
        let model = self.store().model();
        if let Some(me) = &model.session.me {
            write(&key(me), &model.burning.to_json());
        }
    }

    fn burn_in(&self, milliseconds: u32) {
        let service = self.clone();
        wasm_bindgen_futures::spawn_local(async move {
            TimeoutFuture::new(milliseconds).await;
            loop {
                let due = service.store().model().burning.due(now());
                let mut offline = false;
                for (chat, mid) in due {
                    offline |= !service.burn_one(&chat, mid).await;
                }
                let next = service.store().model().burning.next();
                match next {
                    None => return,
                    // Whoever uncovered the others waits for them, unless that was another visit to the page.
                    Some(next) if !offline => {
                        TimeoutFuture::new(u32::try_from((next - now()).max(50)).unwrap_or(PAUSE)).await;
                    }
                    Some(_) => TimeoutFuture::new(PAUSE).await,
                }
            }
        });
    }

    /// Whether it is over with the message.
    async fn burn_one(&self, chat: &ChatId, mid: i64) -> bool {
        let file = {
            let model = self.store().model();
            let message = model.chats.get(chat).and_then(|chat| chat.by_mid(mid)).cloned();
            message
                .as_ref()
                .and_then(|message| message.content()?.file.clone())
        };
        match self.burn(chat, mid).await {
            Err(Trouble::Offline | Trouble::TimedOut | Trouble::SignedOut | Trouble::TooMany { .. }) => {
                return false;
            }
            Ok(()) => {}
            // It is gone already, by another device.
            Err(_) => self
                .store()
                .change(|model| model.chats.remove(chat, mid, Removed::Burned)),
        }
        if let Some(file) = file {
            self.forget_media(&file.id);
        }
        self.store().change(|model| model.burning.burned(chat, mid));
        self.keep_burning();
        true
    }
}
