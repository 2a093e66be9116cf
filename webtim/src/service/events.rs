//! What the server tells, as changes of the model.

use tim_client::{Event, Incoming, MessageKind, Mid, Node, Notice, NoticeKind, Removal, RoomId};

use super::{Service, now};
use crate::model::{Arrived, ChatId, Connection, Happening, News, Petition, Phase, Removed, Toast, Wish};

impl Service {
    pub(super) fn happened(&self, event: Event) {
        match event {
            Event::Connected { again, .. } => {
                self.store
                    .change(|model| model.session.connection = Connection::Online);
                self.load(again);
            }
            Event::Disconnected { retry_in, .. } => {
                let pause = i64::try_from(retry_in.as_millis()).unwrap_or(i64::MAX / 2);
                self.store.change(|model| {
                    model.people.forget_presence();
                    model.session.connection = Connection::Waiting {
                        next_attempt: now() + pause,
                    };
                });
            }
            Event::Message(incoming) => self.message(*incoming),
            Event::Recalled(removal) => self.removed(&removal, Removed::Recalled),
            Event::Burned(removal) => self.removed(&removal, Removed::Burned),
            Event::Notice(notice) => self.notice(notice),
            Event::PresenceChanged(change) => self.presence_changed(&change),
            Event::OfflineDrained { .. } => self.announce(),
            Event::LoggedOut { reason } => {
                // One's own logging out has emptied the model already.
                if self.store.model().session.phase != Phase::SignedOut {
                    self.ended(&reason);
                }
            }
            other => web_sys::console::debug_1(&format!("{other:?}").into()),
        }
    }

    fn message(&self, incoming: Incoming) {
        if self.heard_from_device(&incoming) {
            return;
        }
        let Some(chat) = ChatId::from_conversation(&incoming.conversation) else {
            return;
        };
        match incoming.kind {
            MessageKind::Chat => {
                let arrived = Arrived::from(incoming);
                if let Some(from) = &arrived.from {
                    self.want_profiles([from]);
                }
                let is_new = self
                    .store
                    .change(|model| model.chats.arrive(&chat, arrived.clone()));
                if is_new && !arrived.mine {
                    self.arrived(&chat, &arrived);
                }
                self.remember();
            }
            // Other pages tell a room that its members have changed: joined, left, thrown out.
            MessageKind::Stream if matches!(incoming.display, Some(1..=3)) => {
                if let ChatId::Room(room) = chat {
                    self.reload_room(&room);
                }
            }
            _ => {}
        }
    }

    fn removed(&self, removal: &Removal, removed: Removed) {
        if let Some(chat) = ChatId::from_conversation(&removal.conversation) {
            self.store
                .change(|model| model.chats.remove(&chat, Mid::get(removal.mid), removed));
        }
    }

    fn notice(&self, notice: Notice) {
        let time = notice.timestamp.nanos() / 1_000_000;
        let text = notice.text.unwrap_or_default();
        match (notice.kind, notice.from, notice.room) {
            (NoticeKind::FriendRequest, Some(from), _) => {
                if self.asked(&from, Wish::Friend, text, time) {
                    self.news(News::FriendRequest(from));
                }
            }
            (NoticeKind::JoinRequest, Some(from), Some(room)) => {
                if self.asked(&from, Wish::Join(room.to_string()), text, time) {
                    self.news(News::JoinRequest(room, from));
                }
            }
            (NoticeKind::FriendsNow, Some(from), _) => {
                self.friends_now(&from, time);
                self.news(News::FriendsNow(from));
            }
            (NoticeKind::FriendRemoved, Some(from), _) => {
                if self.friend_gone(&from) {
                    self.news(News::FriendRemoved(from));
                }
            }
            (NoticeKind::Blocked, Some(from), _) => {
                self.friend_gone(&from);
                self.news(News::BlockedBy(from));
            }
            (NoticeKind::RoomJoined, _, Some(room)) => {
                self.entered_room(&room);
                self.news(News::Joined(room));
            }
            (NoticeKind::RoomAdded, from, Some(room)) => {
                self.entered_room(&room);
                self.news(News::Added(room, from));
            }
            (NoticeKind::RoomRemoved, _, Some(room)) => {
                self.left_room(&room);
                self.news(News::Removed(room));
            }
            (NoticeKind::JoinRefused, _, Some(room)) => {
                self.store.change(|model| model.rooms.asked.remove(&room));
                self.news(News::JoinRefused(room, text));
            }
            (kind, ..) => web_sys::console::debug_1(&format!("{kind:?}").into()),
        }
    }

    fn news(&self, news: News) {
        self.store.change(|model| model.toasts.add(Toast::News(news)));
    }

    /// Somebody asks for something. `false`: it is granted already.
    fn asked(&self, from: &Node, wish: Wish, text: String, time: i64) -> bool {
        if wish == Wish::Friend && self.store.model().people.is_friend(from) {
            return false;
        }
        self.want_profiles([from]);
        self.store.change(|model| {
            model.inbox.add(Petition {
                from: from.to_string(),
                wish,
                text,
                time,
            });
        });
        self.remember();
        true
    }

    /// Both sides want it: they are friends, and have a conversation.
    pub fn friends_now(&self, peer: &Node, time: i64) {
        let chat = ChatId::Peer(peer.clone());
        let is_news = self.store.change(|model| {
            model.people.asked.remove(peer);
            model.inbox.settle(peer.as_str(), &Wish::Friend);
            model.chats.ensure(&chat);
            let is_news = model.people.friends.insert(peer.clone());
            if is_news {
                model.chats.happen(&chat, Happening::FriendsNow, time);
            }
            is_news
        });
        self.remember();
        self.want_profiles([peer]);
        if is_news {
            self.ask_presence(peer);
            self.load_newest(&chat);
        }
    }

    /// The friendship is over, whoever ended it. `false`: there was none.
    pub fn friend_gone(&self, peer: &Node) -> bool {
        let chat = ChatId::Peer(peer.clone());
        let was_friend = self.store.change(|model| {
            let was_friend = model.people.friends.remove(peer);
            model.people.asked.remove(peer);
            model.inbox.settle(peer.as_str(), &Wish::Friend);
            model.leave_chat(&chat);
            was_friend
        });
        self.remember();
        was_friend
    }

    /// One is a member of that room now.
    pub fn entered_room(&self, room: &RoomId) {
        let chat = ChatId::Room(room.clone());
        self.store.change(|model| {
            model.rooms.set_member(room, true);
            model.chats.ensure(&chat);
        });
        self.reload_room(room);
        self.load_newest(&chat);
    }

    /// One is no longer a member of that room, for whatever reason.
    pub fn left_room(&self, room: &RoomId) {
        self.store.change(|model| {
            model.rooms.set_member(room, false);
            model.inbox.forget_room(room.as_str());
            model.leave_chat(&ChatId::Room(room.clone()));
        });
        self.remember();
    }
}
