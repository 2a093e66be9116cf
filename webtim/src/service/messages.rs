//! Sending, trying again, taking back, and whether it was delivered.

use gloo_timers::future::TimeoutFuture;
use tim_client::{Confirmation, Mid, Outgoing, SendError, Sent};

use super::{Service, now};
use crate::model::{ChatId, Content, Message, Removed, RowId, Trouble};

/// How long an own message can be taken back, in milliseconds.
pub const RECALL_WINDOW: i64 = 60_000;

/// Pauses between two looks whether the other side has a message, in milliseconds. After the last it is looked again
/// when they come online or the chat is opened.
const LOOKS: [u32; 6] = [700, 1_500, 3_000, 6_000, 12_000, 30_000];

impl Service {
    /// Sends a message. It appears at once and shows by itself how far it has come.
    pub fn send(&self, chat: &ChatId, content: Content) {
        let me = self.store.model().session.me.clone();
        let row = self
            .store
            .change(|model| model.chats.queue(chat, me, content.clone(), now()));
        self.hand_over(chat, row, content);
    }

    /// Tries a message again that could not be sent.
    pub fn retry(&self, chat: &ChatId, row: RowId) {
        let again = self.store.change(|model| model.chats.retry(chat, row, now()));
        if let Some((row, content)) = again {
            self.hand_over(chat, row, content);
        }
    }

    /// Gives a message up that could not be sent.
    pub fn discard(&self, chat: &ChatId, row: RowId) {
        self.store.change(|model| model.chats.discard(chat, row));
    }

    fn hand_over(&self, chat: &ChatId, row: RowId, content: Content) {
        let (service, chat) = (self.clone(), chat.clone());
        self.spawn(async move {
            match service.deliver(&chat, content).await {
                Ok(sent) => {
                    let (mid, time) = (
                        sent.mid.map(Mid::get),
                        sent.timestamp.map(|time| time.nanos() / 1_000_000),
                    );
                    service
                        .store
                        .change(|model| model.chats.confirm(&chat, row, mid, time));
                    service.remember();
                    service.watch_delivery(&chat);
                }
                Err(trouble) => service
                    .store
                    .change(|model| model.chats.fail(&chat, row, trouble)),
            }
        });
    }

    async fn deliver(&self, chat: &ChatId, content: Content) -> Result<Sent, Trouble> {
        let mut outgoing = Outgoing::text(content.text);
        for (name, value) in content.fields {
            outgoing = outgoing.with_field(name, value);
        }
        let confirmation: Result<Confirmation, SendError> =
            self.client()?.submit(chat.conversation(), outgoing).await;
        Ok(confirmation?.await?)
    }

    /// Whether an own message can still be taken back.
    #[must_use]
    pub fn is_recallable(message: &Message, now: i64) -> bool {
        message.mine
            && message.mid.is_some()
            && message.content().is_some()
            && now - message.time < RECALL_WINDOW
    }

    /// Takes an own message back, for all sides.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn recall(&self, chat: &ChatId, mid: i64) -> Result<(), Trouble> {
        let number = Mid::new(mid).ok_or(Trouble::SignedOut)?;
        self.client()?.recall(chat.conversation(), number).await?;
        self.store
            .change(|model| model.chats.remove(chat, mid, Removed::Recalled));
        Ok(())
    }

    /// Destroys a message that was received and read, for both sides.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn burn(&self, chat: &ChatId, mid: i64) -> Result<(), Trouble> {
        let (Some(peer), Some(number)) = (chat.peer(), Mid::new(mid)) else {
            return Err(Trouble::Other("only messages of people can be burned".to_owned()));
        };
        self.client()?.burn(peer, number).await?;
        self.store
            .change(|model| model.chats.remove(chat, mid, Removed::Burned));
        Ok(())
    }

    /// Looks now and then whether the other side of the open chat has the newest own message, until it has or another
    /// chat is opened.
    pub fn watch_delivery(&self, chat: &ChatId) {
        let Some(peer) = chat.peer().cloned() else {
            return;
        };
        // A newer watch makes the older ones stop.
        let turn = self.inner.delivered.get() + 1;
        self.inner.delivered.set(turn);
        let (service, chat) = (self.clone(), chat.clone());
        self.spawn(async move {
            for pause in LOOKS {
                TimeoutFuture::new(pause).await;
                let is_wanted = {
                    let model = service.store.model();
                    service.inner.delivered.get() == turn
                        && model.navigation.chat() == Some(&chat)
                        && !model.session.is_me(&peer)
                        && model
                            .chats
                            .get(&chat)
                            .is_some_and(crate::model::Chat::awaits_delivery)
                };
                if !is_wanted {
                    return;
                }
                if let Ok(Some(mid)) = service.inner.api.delivered(&peer).await {
                    service
                        .store
                        .change(|model| model.chats.mark_delivered(&chat, mid.get()));
                }
            }
        });
    }

    /// A chat was opened: what is needed to show it.
    pub fn opened(&self, chat: &ChatId) {
        self.watch_delivery(chat);
        if let ChatId::Room(room) = chat
            && self.store.model().rooms.members(room).is_none()
        {
            self.reload_room(room);
        }
        let is_current = self
            .store
            .model()
            .chats
            .get(chat)
            .is_some_and(crate::model::Chat::is_current);
        if !is_current {
            self.load_older(chat);
        }
    }
}
