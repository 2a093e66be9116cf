//! The session: opening and closing it, messages, history, friends.

use js_sys::Promise;
use tim_client::{Added, Client, HistoryPager};
use wasm_bindgen::prelude::*;

use crate::failure::Failure;
use crate::fields::{self, Fields};
use crate::options::{self, Login};
use crate::{messages, promise, record};

/// A session with a server.
#[wasm_bindgen]
pub struct RawClient {
    pub(crate) client: Client,
}

#[wasm_bindgen]
impl RawClient {
    /// Opens a session.
    pub fn connect(options: JsValue) -> Promise {
        promise(async move {
            let options = Fields(&options);
            let builder = options::builder(&options)?;
            let client = match Login::read(&options)? {
                Login::Credentials(credentials) => builder.connect(credentials).await?,
                Login::Source(source) => {
                    builder
                        .credential_source(move || options::renew(source.clone()))
                        .connect_with_source()
                        .await?
                }
            };
            Ok(Self { client })
        })
    }

    /// Creates an account and answers its node.
    pub fn register(options: JsValue) -> Promise {
        promise(async move {
            let options = Fields(&options);
            let (name, password) = name_and_password(&options)?;
            let node = options::builder(&options)?.register(&name, &password).await?;
            Ok(node.to_string())
        })
    }

    /// Trades name and password for a token that logs in once.
    pub fn token(options: JsValue) -> Promise {
        promise(async move {
            let options = Fields(&options);
            let (name, password) = name_and_password(&options)?;
            let credentials = options::builder(&options)?.token(&name, &password).await?;
            match credentials {
                tim_client::Credentials::Token { token, .. } => Ok(token.expose().to_owned()),
                _ => Err(Failure::invalid("the server gave no token")),
            }
        })
    }

    /// The own node.
    pub fn node(&self) -> String {
        self.client.node().to_string()
    }

    /// Whether the session is logged in at this moment.
    pub fn is_online(&self) -> bool {
        self.client.is_online()
    }

    /// Connects at once, or finds out quickly whether the connection is alive.
    pub fn nudge(&self) {
        self.client.nudge();
    }

    /// The next event, or nothing after the last.
    pub fn next_event(&self) -> Promise {
        let client = self.client.clone();
        promise(async move {
            let event = client.next_event().await;
            Ok(event.map_or(JsValue::UNDEFINED, messages::event))
        })
    }

    /// Closes the session in an orderly way.
    pub fn close(&self) -> Promise {
        let client = self.client.clone();
        promise(async move {
            client.close().await;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Sends a message.
    pub fn send(&self, to: JsValue, message: JsValue) -> Promise {
        let client = self.client.clone();
        promise(async move {
            let to = fields::conversation(&to)?;
            let sent = client.send(to, messages::outgoing(&message)?).await?;
            Ok(messages::sent(sent))
        })
    }

    /// Takes an own message back.
    pub fn recall(&self, conversation: JsValue, mid: JsValue) -> Promise {
        self.done(move |client| async move {
            client
                .recall(fields::conversation(&conversation)?, fields::mid(&mid)?)
                .await
                .map_err(Failure::from)
        })
    }

    /// Destroys a message that was received.
    pub fn burn(&self, peer: String, mid: JsValue) -> Promise {
        self.done(move |client| async move {
            client
                .burn(&fields::node(&peer)?, fields::mid(&mid)?)
                .await
                .map_err(Failure::from)
        })
    }

    /// One page of a conversation.
    pub fn history(&self, conversation: JsValue, start: JsValue, limit: u16) -> Promise {
        let client = self.client.clone();
        promise(async move {
            let start = fields::history_start(&start)?;
            let page = client
                .history(fields::conversation(&conversation)?, start, limit)
                .await?;
            Ok(record::list(page, messages::incoming))
        })
    }

    /// Pages of a conversation.
    pub fn history_pager(
        &self,
        conversation: JsValue,
        start: JsValue,
        limit: u16,
    ) -> Result<RawPager, JsValue> {
        let conversation = fields::conversation(&conversation)?;
        let start = fields::history_start(&start)?;
        Ok(RawPager {
            pager: self.client.history_pager(conversation, start, limit),
        })
    }

    /// The friends.
    pub fn friends(&self) -> Promise {
        let client = self.client.clone();
        promise(async move { Ok(record::names(client.friends().await?)) })
    }

    /// The blocked users.
    pub fn blocked(&self) -> Promise {
        let client = self.client.clone();
        promise(async move { Ok(record::names(client.blocked().await?)) })
    }

    /// Asks for friendship.
    pub fn add_friend(&self, node: String, text: String) -> Promise {
        let client = self.client.clone();
        promise(async move {
            Ok(match client.add_friend(&fields::node(&node)?, text).await? {
                Added::FriendsNow => "friendsNow",
                _ => "requested",
            })
        })
    }

    /// Ends a friendship, a request or a block.
    pub fn remove_friend(&self, node: String) -> Promise {
        self.done(move |client| async move {
            client
                .remove_friend(&fields::node(&node)?)
                .await
                .map_err(Failure::from)
        })
    }

    /// Blocks a user.
    pub fn block(&self, node: String) -> Promise {
        self.done(
            move |client| async move { client.block(&fields::node(&node)?).await.map_err(Failure::from) },
        )
    }

    /// Changes the password.
    pub fn change_password(&self, old: String, new: String) -> Promise {
        self.done(
            move |client| async move { client.change_password(&old, &new).await.map_err(Failure::from) },
        )
    }
}

impl RawClient {
    /// A promise of something that answers nothing.
    pub(crate) fn done<R>(&self, run: impl FnOnce(Client) -> R + 'static) -> Promise
    where
        R: Future<Output = Result<(), Failure>>,
    {
        let client = self.client.clone();
        promise(async move { run(client).await.map(|()| JsValue::UNDEFINED) })
    }
}

fn name_and_password(options: &Fields<'_>) -> Result<(String, String), Failure> {
    match (options.text("name")?, options.text("password")?) {
        (Some(name), Some(password)) => Ok((name, password)),
        _ => Err(Failure::invalid("name and password are needed")),
    }
}

/// Walks back through a conversation.
#[wasm_bindgen]
pub struct RawPager {
    pager: HistoryPager,
}

#[wasm_bindgen]
impl RawPager {
    /// The next page, empty at the beginning of the conversation.
    pub async fn next(&mut self) -> Result<JsValue, JsValue> {
        let page = self.pager.next_page().await.map_err(Failure::from)?;
        Ok(record::list(page, messages::incoming))
    }
}
