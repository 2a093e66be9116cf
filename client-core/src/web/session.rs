//! Signing in and out, and what a session of the API gives to log in over the WebSocket.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::json;
use tim_protocol::Node;

use super::exchange::Body;
use super::{WebApi, WebError, answers};
use crate::session::{Credentials, Renewal, Secret};

/// What to sign in with.
#[derive(Clone, Debug)]
#[must_use]
pub struct SignIn {
    name: String,
    password: Secret,
    domain: Option<String>,
    remember: bool,
    bearer: bool,
}

impl SignIn {
    /// Name and password. The session ends when the browser is closed.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            password: Secret::new(password),
            domain: None,
            remember: false,
            bearer: false,
        }
    }

    /// Tenant.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Whether the session outlives the browser.
    pub fn remember(mut self, remember: bool) -> Self {
        self.remember = remember;
        self
    }

    /// Whether to get the session's secret ([`SignedIn::session`]) instead of a cookie. For programs; a page should
    /// leave it to the browser.
    pub fn bearer(mut self, bearer: bool) -> Self {
        self.bearer = bearer;
        self
    }
}

/// Who is signed in, and what logs in once over the WebSocket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// The own node.
    pub node: Node,
    /// For one login, within a few seconds.
    pub credentials: Credentials,
    /// The secret of the session, when it was asked for.
    pub session: Option<Secret>,
}

impl SignedIn {
    fn read(text: &str) -> Result<Self, WebError> {
        #[derive(Deserialize)]
        struct Answer {
            node: String,
            token: String,
            session: Option<String>,
        }
        let answer: Answer = answers::read(text)?;
        Ok(Self {
            node: answers::node(&answer.node)?,
            credentials: Credentials::token("", answer.token),
            session: answer.session.map(Secret::new),
        })
    }
}

impl WebApi {
    /// Signs in, which starts a session: the browser keeps a cookie that no script can read.
    ///
    /// # Errors
    /// Refusals: 401 with 4102 wrong name or password, 429 with 4111 too many attempts. See [`WebError`].
    pub async fn sign_in(&self, sign_in: &SignIn) -> Result<SignedIn, WebError> {
        let mut body = json!({ "name": sign_in.name, "password": sign_in.password.expose() });
        if let Some(domain) = &sign_in.domain {
            body["domain"] = json!(domain);
        }
        if sign_in.remember {
            body["remember"] = json!(true);
        }
        if sign_in.bearer {
            body["bearer"] = json!(true);
        }
        SignedIn::read(&self.call("POST", "/client/v1/session", Body::Json(body)).await?)
    }

    /// Who is signed in, with fresh credentials for the WebSocket. This is how a page that is opened again finds out
    /// whether the user has to sign in.
    ///
    /// # Errors
    /// Refusals: 401 nobody is signed in ([`WebError::is_signed_out`]). See [`WebError`].
    pub async fn signed_in(&self) -> Result<SignedIn, WebError> {
        SignedIn::read(&self.call("POST", "/client/v1/session/token", Body::None).await?)
    }

    /// Ends the session. The cookie is gone. Close the [`Client`](crate::Client) as well.
    ///
    /// # Errors
    /// See [`WebError`].
    pub async fn sign_out(&self) -> Result<(), WebError> {
        self.call("DELETE", "/client/v1/session", Body::None)
            .await
            .map(drop)
    }

    /// Ends all other sessions of the account and answers how many there were.
    ///
    /// # Errors
    /// See [`WebError`].
    pub async fn end_other_sessions(&self) -> Result<u64, WebError> {
        #[derive(Deserialize)]
        struct Answer {
            ended: u64,
        }
        let text = self
            .call("POST", "/client/v1/session/others/end", Body::None)
            .await?;
        Ok(answers::read::<Answer>(&text)?.ended)
    }

    /// A source of credentials for [`ClientBuilder::credential_source`](crate::ClientBuilder::credential_source): every
    /// login gets a fresh token of the session. It ends when the session has ended, and when the browser's cookie has
    /// become that of another account, because somebody signed in as such in another tab.
    pub fn renewals(&self) -> impl Fn() -> Pin<Box<dyn Future<Output = Renewal>>> + Clone + use<> {
        let api = self.clone();
        let first = Rc::new(RefCell::new(None::<Node>));
        move || {
            let (api, first) = (api.clone(), Rc::clone(&first));
            Box::pin(async move {
                match api.signed_in().await {
                    Ok(signed_in) => {
                        let mut first = first.borrow_mut();
                        if *first.get_or_insert_with(|| signed_in.node.clone()) == signed_in.node {
                            Renewal::Credentials(signed_in.credentials)
                        } else {
                            Renewal::SignedOut
                        }
                    }
                    Err(error) if error.is_signed_out() => Renewal::SignedOut,
                    Err(error) => Renewal::Later {
                        reason: error.to_string(),
                        retry_after: error.retry_after(),
                    },
                }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_gives_a_node_and_a_token_without_name() {
        let signed_in = SignedIn::read(r#"{"node": "KTnkUSxBpAxBqjvk1seKTD", "token": "abc"}"#).unwrap();
        assert_eq!(signed_in.node.as_str(), "KTnkUSxBpAxBqjvk1seKTD");
        assert!(matches!(signed_in.credentials, Credentials::Token { name, token }
            if name.is_empty() && token.expose() == "abc"));
        assert!(signed_in.session.is_none());
    }

    #[test]
    fn answers_without_a_usable_node_are_errors() {
        for text in ["", "{}", r#"{"node": "a|b", "token": "abc"}"#] {
            assert!(
                matches!(SignedIn::read(text), Err(WebError::Protocol(_))),
                "{text}"
            );
        }
    }
}
