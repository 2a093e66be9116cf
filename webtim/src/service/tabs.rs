//! Tabs and devices of the account in step: what was read here is read everywhere. Tabs of one browser see each other's
//! storage, other devices get a message of the account to itself.

use std::collections::BTreeMap;

use gloo_events::EventListener;
use serde::{Deserialize, Serialize};
use tim_client::{Conversation, Incoming, MessageKind, Outgoing};
use wasm_bindgen::JsCast;
use web_sys::StorageEvent;

use super::Service;
use super::storage::{account_key, drafts_key};
use crate::model::{ChatId, Drafts, Remembered};

/// Kind of the messages that keep devices in step.
const KIND: i8 = 40;
/// Their field.
const FIELD: &str = "tim.sync";

/// Markers that other devices have not been told yet.
#[derive(Default)]
pub(super) struct Unsent {
    read: BTreeMap<String, i64>,
    scheduled: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct Sync {
    #[serde(default)]
    read: BTreeMap<String, i64>,
}

impl Service {
    /// Everything up to that number was seen by the person here.
    pub fn mark_read(&self, chat: &ChatId, mid: i64) {
        let had_unread = self
            .store
            .model()
            .chats
            .get(chat)
            .is_some_and(|chat| chat.unread() > 0);
        if !self.store.change(|model| model.chats.mark_read(chat, mid)) {
            return;
        }
        self.remember();
        // A marker that took nothing off the count is nothing that others have to know.
        if had_unread && *chat != ChatId::System {
            self.tell_devices(chat, mid);
        }
    }

    fn tell_devices(&self, chat: &ChatId, mid: i64) {
        {
            let mut unsent = self.inner.sync.borrow_mut();
            unsent.read.insert(chat.to_string(), mid);
            if unsent.scheduled {
                return;
            }
            unsent.scheduled = true;
        }
        let service = self.clone();
        self.spawn(async move {
            gloo_timers::future::TimeoutFuture::new(1000).await;
            let read = {
                let mut unsent = service.inner.sync.borrow_mut();
                unsent.scheduled = false;
                std::mem::take(&mut unsent.read)
            };
            let me = service.store.model().session.me.clone();
            if let (Some(me), Ok(client), Ok(value)) =
                (me, service.client(), serde_json::to_string(&Sync { read }))
            {
                // When it fails the other devices know later, with the next marker of that conversation.
                let _told = client
                    .send(me, Outgoing::application(KIND).with_field(FIELD, value))
                    .await;
            }
        });
    }

    /// A message of another device of the account. `false`: it is something else.
    pub(super) fn heard_from_device(&self, incoming: &Incoming) -> bool {
        let me = self.store.model().session.me.clone();
        let is_own = incoming.outgoing
            && matches!((&incoming.conversation, &me), (Conversation::Peer(peer), Some(me)) if peer == me);
        if incoming.kind != MessageKind::Application(KIND) || !is_own {
            return false;
        }
        let sync = incoming
            .extend
            .get(FIELD)
            .and_then(|value| serde_json::from_str::<Sync>(value).ok());
        for (chat, mid) in sync.unwrap_or_default().read {
            // A room one has left, or a person who is no friend any more, does not come back by this.
            if let Some(chat) = ChatId::parse(&chat)
                && self.store.model().chats.get(&chat).is_some()
            {
                self.store.change(|model| model.chats.mark_read(&chat, mid));
            }
        }
        self.remember();
        true
    }

    /// Listens to the other tabs of this browser, until the page ends.
    pub(super) fn listen_to_tabs(&self) {
        let Some(window) = web_sys::window() else {
            return;
        };
        let service = self.clone();
        EventListener::new(&window, "storage", move |event| {
            if let Some(event) = event.dyn_ref::<StorageEvent>() {
                service.heard_from_tab(event);
            }
        })
        .forget();
        let service = self.clone();
        EventListener::new(&window, "pagehide", move |_| {
            service.remember_now();
            service.remember_drafts();
        })
        .forget();
    }

    fn heard_from_tab(&self, event: &StorageEvent) {
        let Some(me) = self.store.model().session.me.clone() else {
            return;
        };
        let (Some(key), Some(value)) = (event.key(), event.new_value()) else {
            return;
        };
        if key == account_key(&me)
            && let Ok(remembered) = serde_json::from_str::<Remembered>(&value)
        {
            self.store.change(|model| remembered.follow(model));
        }
        if key == drafts_key(&me) {
            let theirs = Drafts::from_json(&value);
            self.store.change(|model| {
                // What is being written here stays.
                let open = model.navigation.chat().cloned();
                model.drafts.follow(theirs, open.as_ref());
            });
        }
    }
}
