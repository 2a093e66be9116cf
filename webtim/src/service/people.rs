//! What people do with people: find, ask, accept, block, and their own profile.

use tim_client::web::{Page, PageRequest, Person};
use tim_client::{Added, ErrorCode, Node, UserProfile};
use web_sys::Blob;

use super::{Service, now};
use crate::model::{ChatId, Trouble, Wish};

impl Service {
    /// Who has that account name. `None`: nobody.
    ///
    /// # Errors
    /// [`Trouble::TooMany`], because it tells which names exist; see [`Trouble`].
    pub async fn find_person(&self, name: &str) -> Result<Option<Node>, Trouble> {
        match self.api().find_person(name).await {
            Ok(node) => {
                self.want_profiles([&node]);
                Ok(Some(node))
            }
            Err(error) if error.is(ErrorCode::Account) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A part of the directory. `None`: it is switched off.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn directory(&self, after: Option<String>) -> Result<Option<Page<Person>>, Trouble> {
        match self.api().people(&PageRequest { after, limit: 100 }).await {
            Ok(page) => Ok(Some(page)),
            Err(error) if error.status() == Some(403) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for friendship, or accepts. Whether they are friends now.
    ///
    /// # Errors
    /// 4110 blocked by the other side; see [`Trouble`].
    pub async fn add_friend(&self, node: &Node, text: &str) -> Result<bool, Trouble> {
        let added = match self.client()?.add_friend(node, text).await.map_err(Trouble::from) {
            Ok(added) => added,
            // Another device was faster.
            Err(trouble) if trouble.is(ErrorCode::Repeat) => Added::FriendsNow,
            Err(trouble) => return Err(trouble),
        };
        self.store().change(|model| {
            model.people.blocked.remove(node);
            model.inbox.settle(node.as_str(), &Wish::Friend);
        });
        let friends = added == Added::FriendsNow;
        if friends {
            self.friends_now(node, now());
        } else {
            self.store()
                .change(|model| model.people.asked.insert(node.clone()));
        }
        Ok(friends)
    }

    /// Ends a friendship, declines a request, or withdraws the own one.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn remove_friend(&self, node: &Node) -> Result<(), Trouble> {
        self.end_relation(node).await?;
        self.friend_gone(node);
        Ok(())
    }

    /// Blocks somebody, which ends a friendship.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn block(&self, node: &Node) -> Result<(), Trouble> {
        self.client()?.block(node).await?;
        self.friend_gone(node);
        self.store()
            .change(|model| model.people.blocked.insert(node.clone()));
        Ok(())
    }

    /// Lifts an own block.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn unblock(&self, node: &Node) -> Result<(), Trouble> {
        self.end_relation(node).await?;
        self.store().change(|model| model.people.blocked.remove(node));
        Ok(())
    }

    async fn end_relation(&self, node: &Node) -> Result<(), Trouble> {
        match self.client()?.remove_friend(node).await.map_err(Trouble::from) {
            // There is none any more: another device was faster.
            Err(trouble) if !trouble.is(ErrorCode::Params) => Err(trouble),
            _ => Ok(()),
        }
    }

    /// Whom one has blocked, as the server knows it.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn reload_blocked(&self) -> Result<(), Trouble> {
        let blocked = self.client()?.blocked().await?;
        self.want_profiles(&blocked);
        self.store()
            .change(|model| model.people.blocked = blocked.into_iter().collect());
        Ok(())
    }

    /// Changes the own profile: what is set replaces the present value.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn save_profile(&self, change: UserProfile) -> Result<(), Trouble> {
        let client = self.client()?;
        client.set_profile(change).await?;
        let me = client.node().clone();
        let profiles = client.profiles(std::slice::from_ref(&me)).await?;
        self.store().change(|model| model.people.set_profiles(profiles));
        self.tell_profile_changed();
        Ok(())
    }

    /// Keeps a picture on the server as one's own. Its address, for the profile.
    ///
    /// # Errors
    /// [`Trouble::TooLarge`]; see [`Trouble`].
    pub async fn upload_picture(&self, picture: &Blob) -> Result<String, Trouble> {
        Ok(self.api().set_picture(picture).await?)
    }

    /// Opens the conversation with somebody.
    pub fn open_chat(&self, chat: ChatId) {
        self.store().change(|model| {
            model.chats.ensure(&chat);
            model.open_chat(&chat);
        });
    }
}
