//! Calls for attention when messages arrive: a tone, a notice of the system, a number in the title and on the icon. Of several
//! tabs one does it, and none does while the message is being read.

mod badge;
mod decide;
mod popup;
mod sound;
mod tabs;

use std::cell::{Cell, RefCell};

use gloo_events::{EventListener, EventListenerOptions};
use tim_client::Node;

use self::decide::{Arrival, Call, Situation, decide};
use self::popup::Popups;
use self::sound::Sound;
use self::tabs::Tabs;
use super::storage::{read, write};
use super::{Service, now};
use crate::i18n::{common, media};
use crate::model::{Arrived, ChatId, Model};
use crate::store::Subscription;
use crate::text::{Names, Rich};
use crate::ui::media::summary;

/// What the calls need.
#[derive(Default)]
pub(crate) struct Attention {
    account: RefCell<Option<(Node, Tabs)>>,
    sound: Sound,
    popups: Popups,
    last_sound: Cell<Option<i64>>,
    unread: Cell<Option<u64>>,
    /// For as long as the page lives.
    attached: RefCell<Option<(Subscription, Vec<EventListener>)>>,
}

fn muted_key(me: &Node) -> String {
    format!("tim.muted.{me}")
}

impl Service {
    /// Begins to call for attention. Once, when the page has loaded.
    pub(crate) fn attend(&self) {
        let service = self.clone();
        self.on_arrival(move |chat, arrived| service.call(chat, arrived));
        let service = self.clone();
        let subscription = self.store().subscribe(move || service.look());
        let mut listeners = Vec::new();
        if let Some(window) = web_sys::window() {
            for name in ["focus", "blur", "pagehide", "pageshow"] {
                let service = self.clone();
                listeners.push(EventListener::new(&window, name, move |_| service.look()));
            }
            let service = self.clone();
            let options = EventListenerOptions::enable_prevent_default();
            listeners.push(EventListener::new_with_options(
                &window,
                "beforeunload",
                options,
                move |event| {
                    // The browser asks in its own words whether to lose what is being sent.
                    if service.store().model().transfers.is_uploading() {
                        event.prevent_default();
                    }
                },
            ));
            if let Some(document) = window.document() {
                let service = self.clone();
                listeners.push(EventListener::new(&document, "visibilitychange", move |_| {
                    service.look()
                }));
            }
        }
        self.attention().attached.replace(Some((subscription, listeners)));
        self.look();
    }

    /// Lets a conversation disturb, or no longer.
    pub fn set_muted(&self, chat: &ChatId, muted: bool) {
        self.store()
            .change(|model| model.attention.set_muted(chat, muted));
        let model = self.store().model();
        if let Some(me) = &model.session.me {
            write(&muted_key(me), &model.attention.to_json());
        }
    }

    /// Follows the model: who is logged in, what is in sight, how much is unread.
    fn look(&self) {
        self.follow_account();
        let attention = self.attention();
        let visible = in_sight();
        let chat = self.store().model().navigation.chat().cloned();
        if let Some((_, tabs)) = &*attention.account.borrow() {
            tabs.show(visible, chat.as_ref().map(ToString::to_string));
        }
        if visible && let Some(chat) = &chat {
            attention.popups.close(&chat.to_string());
        }
        let unread = unread(&self.store().model());
        if attention.unread.replace(Some(unread)) != Some(unread) {
            badge::show(common::product(self.store().model().preferences.lang()), unread);
            if unread == 0 {
                attention.popups.close_all();
            }
        }
    }

    fn follow_account(&self) {
        let attention = self.attention();
        let me = self.store().model().session.me.clone();
        let known = attention.account.borrow().as_ref().map(|(node, _)| node.clone());
        if me == known {
            return;
        }
        attention.account.replace(None);
        attention.popups.close_all();
        self.cancel_all_uploads();
        if let Some(me) = me {
            let tabs = Tabs::join(me.as_str());
            let muted = read(&muted_key(&me))
                .map(|text| crate::model::Attention::from_json(&text))
                .unwrap_or_default();
            attention.account.replace(Some((me.clone(), tabs)));
            self.store().change(|model| model.attention = muted);
            self.resume_burning(&me);
        }
    }

    fn call(&self, chat: &ChatId, arrived: &Arrived) {
        let attention = self.attention();
        let call = {
            let account = attention.account.borrow();
            let Some((_, tabs)) = account.as_ref().filter(|(_, tabs)| tabs.leads()) else {
                return;
            };
            let model = self.store().model();
            let arrival = Arrival {
                own: arrived.mine,
                muted: model.attention.is_muted(chat),
                mentions_me: addresses_me(&model, chat, arrived),
                quiet: false,
            };
            let situation = Situation {
                in_sight: tabs.in_sight(),
                reading: tabs.reads(&chat.to_string()),
                since_sound: attention.last_sound.get().map(|last| now() - last),
            };
            let call = decide(arrival, situation);
            Call {
                sound: call.sound && model.preferences.sound,
                popup: call.popup && model.preferences.notifications,
            }
        };
        if call.sound {
            attention.last_sound.set(Some(now()));
            attention.sound.play();
        }
        if call.popup {
            self.pop_up(chat, arrived);
        }
    }

    fn pop_up(&self, chat: &ChatId, arrived: &Arrived) {
        let (title, body, picture) = {
            let model = self.store().model();
            let lang = model.preferences.lang();
            let name = model.chat_name(chat);
            let author = arrived.from.as_ref().map(|from| model.people.name(from));
            let title = match (chat, author) {
                (ChatId::Room(_), Some(author)) => media::in_room(lang, &author, &name),
                _ => name,
            };
            let body = if model.preferences.preview {
                summary(lang, &arrived.content)
            } else {
                media::new_message(lang).to_owned()
            };
            let picture = match chat {
                ChatId::Peer(peer) => model.people.picture(peer),
                ChatId::Room(room) => model.rooms.picture(room),
                ChatId::System => None,
            };
            (title, body, picture)
        };
        let (store, opened) = (self.store().clone(), chat.clone());
        let open = move || store.change(|model| model.navigation.open(opened));
        self.attention().popups.show(
            &chat.to_string(),
            &title,
            &shortened(&body),
            picture.as_deref(),
            open,
        );
    }
}

/// Whether this tab is in front of somebody.
fn in_sight() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_some_and(|document| !document.hidden() && document.has_focus().unwrap_or(true))
}

/// Unread messages of the conversations that may disturb.
fn unread(model: &Model) -> u64 {
    let loud = model.chats.iter().filter(|(id, _)| !model.attention.is_muted(id));
    loud.map(|(_, chat)| chat.unread()).sum()
}

/// Whether a message names the reader or answers one of their messages.
fn addresses_me(model: &Model, chat: &ChatId, arrived: &Arrived) -> bool {
    let (Some(me), ChatId::Room(_)) = (&model.session.me, chat) else {
        return false;
    };
    let answers_me = arrived
        .content
        .reply
        .as_ref()
        .is_some_and(|reply| reply.from == me.as_str());
    let names = Names::new(None, Some(model.people.name(me)));
    answers_me || Rich::parse(&arrived.content.text, &names).mentions_me()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 160 {
        text.to_owned()
    } else {
        text.chars().take(159).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Content;

    #[test]
    fn one_is_addressed_by_name_or_by_an_answer_and_only_in_rooms() {
        let me = Node::new("me").unwrap();
        let mut model = Model::default();
        model.session.me = Some(me.clone());
        let mut profile = tim_client::UserProfile::default();
        profile.nickname = Some("Ann".to_owned());
        model.people.set_profiles([(me, profile)]);
        let room = ChatId::parse("r:x").unwrap();
        let says = |content: Content| Arrived {
            mid: Some(1),
            from: None,
            mine: false,
            time: 0,
            content,
        };
        assert!(addresses_me(&model, &room, &says(Content::text("hey @ann!"))));
        assert!(!addresses_me(&model, &room, &says(Content::text("hey @anna"))));
        assert!(!addresses_me(
            &model,
            &ChatId::parse("u:x").unwrap(),
            &says(Content::text("hey @ann"))
        ));
        let answer = Content::text("yes").with_reply(Some(&crate::fields::Reply::to(3, "me", "?")));
        assert!(addresses_me(&model, &room, &says(answer)));
    }
}
