//! What is fetched after a login: the lists first, which make the page usable, then profiles, then the newest messages
//! of every conversation, a few at a time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures_util::future::{join, join_all};
use tim_client::{Client, HistoryStart, RequestError, RoomId};

use super::Service;
use crate::model::{Arrived, ChatId, Chats, Happening, Past, Phase};

/// Histories asked for at the same time.
const AT_ONCE: usize = 4;

impl Service {
    /// After a login, or after the connection came back.
    pub(super) fn load(&self, again: bool) {
        let service = self.clone();
        self.spawn(async move {
            let Ok(client) = service.client() else {
                return;
            };
            let is_first = !again || !service.inner.started.get();
            // Without the lists nothing is certain; they come with the next connection.
            if service.load_lists(&client).await.is_err() {
                return;
            }
            service.inner.started.set(true);
            service.store.change(|model| model.session.phase = Phase::Ready);
            service.load_room_profiles(&client).await;
            if is_first {
                service.load_histories().await;
            } else {
                service.announce();
            }
        });
    }

    async fn load_lists(&self, client: &Client) -> Result<(), RequestError> {
        let (friends, rooms) = join(client.friends(), client.rooms()).await;
        let (friends, rooms) = (friends?, rooms?);
        let blocked = client.blocked().await.unwrap_or_default();
        let me = client.node().clone();
        self.store.change(|model| {
            model.people.friends = friends.iter().cloned().collect();
            model.people.blocked = blocked.into_iter().collect();
            model.rooms.set_joined(&rooms);
            model.chats.ensure(&ChatId::Peer(me.clone()));
            for friend in &friends {
                model.chats.ensure(&ChatId::Peer(friend.clone()));
            }
            for room in &rooms {
                model.chats.ensure(&ChatId::Room(room.clone()));
            }
            // Rooms and people that were lost while away.
            let gone: Vec<ChatId> = model
                .chats
                .iter()
                .filter(|(id, chat)| match id {
                    ChatId::Room(room) => !model.rooms.is_joined(room),
                    ChatId::Peer(peer) => chat.is_empty() && *peer != me && !model.people.is_friend(peer),
                    ChatId::System => false,
                })
                .map(|(id, _)| id.clone())
                .collect();
            for id in &gone {
                model.leave_chat(id);
            }
        });
        self.want_profiles(friends.iter().chain([&me]));
        Ok(())
    }

    async fn load_room_profiles(&self, client: &Client) {
        let rooms: Vec<RoomId> = self.store.model().rooms.joined().cloned().collect();
        for some in rooms.chunks(200) {
            if let Ok(profiles) = client.room_profiles(some).await {
                self.store.change(|model| {
                    for (room, profile) in profiles {
                        model.rooms.set_profile(&room, profile);
                    }
                });
            }
        }
    }

    /// The newest page of every conversation, the open one first.
    async fn load_histories(&self) {
        let chats: VecDeque<ChatId> = {
            let model = self.store.model();
            let mut chats: Vec<ChatId> = model
                .chats
                .iter()
                .filter(|(id, chat)| **id != ChatId::System && !chat.is_current())
                .map(|(id, _)| id.clone())
                .collect();
            chats.sort_by_key(|id| model.navigation.chat() != Some(id));
            chats.into()
        };
        let chats = Rc::new(RefCell::new(chats));
        let worker = || async {
            loop {
                let next = chats.borrow_mut().pop_front();
                let Some(chat) = next else { break };
                self.fetch_past(&chat, None, Chats::FIRST_PAGE).await;
            }
        };
        join_all((0..AT_ONCE).map(|_| worker())).await;
        self.remember();
    }

    /// The newest page of one conversation, in the background.
    pub(super) fn load_newest(&self, chat: &ChatId) {
        let (service, chat) = (self.clone(), chat.clone());
        self.spawn(async move { service.fetch_past(&chat, None, Chats::FIRST_PAGE).await });
    }

    /// One page more of the past, unless it is complete or being fetched.
    pub fn load_older(&self, chat: &ChatId) {
        let start = {
            let model = self.store.model();
            let Some(state) = model.chats.get(chat) else {
                return;
            };
            if matches!(state.past(), Past::Fetching | Past::Complete) || *chat == ChatId::System {
                return;
            }
            match state.oldest() {
                _ if !state.is_current() => None,
                Some(oldest) => Some(oldest - 1),
                None => None,
            }
        };
        let (service, chat) = (self.clone(), chat.clone());
        self.spawn(async move { service.fetch_past(&chat, start, Chats::PAGE).await });
    }

    async fn fetch_past(&self, chat: &ChatId, start: Option<i64>, limit: u16) {
        let Ok(client) = self.client() else {
            return;
        };
        let from = match start {
            None => HistoryStart::Newest,
            Some(mid) => match tim_client::Mid::new(mid) {
                Some(mid) => HistoryStart::At(mid),
                None => {
                    self.store
                        .change(|model| model.chats.set_past(chat, Past::Complete));
                    return;
                }
            },
        };
        self.store
            .change(|model| model.chats.set_past(chat, Past::Fetching));
        match client.history(chat.conversation(), from, limit).await {
            Ok(page) => {
                let page: Vec<Arrived> = page.into_iter().map(Arrived::from).collect();
                self.want_profiles(page.iter().filter_map(|arrived| arrived.from.as_ref()));
                self.store
                    .change(|model| model.chats.add_past(chat, page, start, limit));
            }
            Err(error) => {
                self.store
                    .change(|model| model.chats.set_past(chat, Past::Failed(error.into())));
            }
        }
    }

    /// Members and profile of a room are fetched (again); who came and went is told in its conversation.
    pub fn reload_room(&self, room: &RoomId) {
        let (service, room) = (self.clone(), room.clone());
        self.spawn(async move {
            let Ok(client) = service.client() else {
                return;
            };
            let handle = client.room(&room);
            let (members, profile) = join(handle.members(), handle.profile()).await;
            service.store.change(|model| {
                let chat = ChatId::Room(room.clone());
                let now = super::now();
                let mut news = Vec::new();
                if let Ok(members) = members {
                    let turnover = model.rooms.set_members(&room, members);
                    if !turnover.joined.is_empty() {
                        news.push(Happening::Joined(turnover.joined));
                    }
                    if !turnover.gone.is_empty() {
                        news.push(Happening::Gone(turnover.gone));
                    }
                }
                if let Ok(Some(profile)) = profile
                    && let Some(topic) = model.rooms.set_profile(&room, profile)
                {
                    news.push(Happening::Topic(topic));
                }
                if model.chats.get(&chat).is_some() {
                    for happening in news {
                        model.chats.happen(&chat, happening, now);
                    }
                }
            });
        });
    }
}
