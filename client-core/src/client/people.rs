//! What users tell about themselves: profiles and presence (`wire-protocol 7.15`, 7.5).

use std::collections::BTreeMap;

use tim_protocol::Node;

use super::handle::Client;
use crate::error::RequestError;
use crate::presence::Presence;
use crate::session::{Reply, Request};
use crate::user::UserProfile;

impl Client {
    /// The profiles of 1 to 1000 users. Unknown users are left out.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn profiles(&self, users: &[Node]) -> Result<BTreeMap<Node, UserProfile>, RequestError> {
        match self.request(Request::Users(users.to_vec())).await? {
            Reply::Users(profiles) => Ok(profiles),
            _ => Ok(BTreeMap::new()),
        }
    }

    /// The profile of one user, also of oneself. `None`: there is no such user, or nothing is told.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn profile(&self, user: &Node) -> Result<Option<UserProfile>, RequestError> {
        let mut profiles = self.profiles(std::slice::from_ref(user)).await?;
        Ok(profiles.remove(user))
    }

    /// Changes the own profile: what is set replaces the present value, what is `None` stays.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn set_profile(&self, change: UserProfile) -> Result<(), RequestError> {
        self.request(Request::SetProfile(Box::new(change)))
            .await
            .map(drop)
    }

    /// Tells all friends who are online now. What was told last is told again after a reconnect, until the client is
    /// closed; then, and when the connection is lost, the server tells them that this user has left.
    ///
    /// Friends who come online later are not told: have them ask ([`Presence::asking`]) and answer, see
    /// [`SessionConfig::answer_presence`](crate::SessionConfig::answer_presence).
    ///
    /// The server answers nothing, so on the original this takes
    /// [`SessionConfig::quiet_timeout`](crate::SessionConfig::quiet_timeout).
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn set_presence(&self, presence: Presence) -> Result<(), RequestError> {
        self.request(Request::SetPresence(presence)).await.map(drop)
    }

    /// Tells 1 to 1000 users, who need not be friends. It is not told again after a reconnect.
    ///
    /// # Errors
    /// Refusals: 4106 one of them does not exist; nobody is told then. See [`RequestError`].
    pub async fn send_presence(&self, to: &[Node], presence: Presence) -> Result<(), RequestError> {
        self.request(Request::SendPresence {
            to: to.to_vec(),
            presence,
        })
        .await
        .map(drop)
    }
}
