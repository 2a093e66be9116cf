//! What is done before there is a session: registration and tokens (`wire-protocol 7.1`, 7.2).

use thiserror::Error;
use tim_protocol::packet::{self, PacketType, ServerPacket};
use tim_protocol::wire::{TimAck, TimAuth};
use tim_protocol::{Encoding, Node};
use zeroize::Zeroize;

use super::builder::ClientBuilder;
use crate::error::Refusal;
use crate::session::Credentials;

/// Why a registration or token request failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AccountError {
    /// No connection, or no answer in time.
    #[error("cannot connect: {0}")]
    Unreachable(String),
    /// The server refused the request.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The server answered with an HTTP error: 403 switched off, 404 not a tim server, 500 or 503 overloaded.
    #[error("the server answered with HTTP status {0}")]
    Status(u16),
    /// The answer was not usable.
    #[error("the server answered with {0}")]
    Protocol(&'static str),
}

impl ClientBuilder {
    /// Creates an account and answers its node.
    ///
    /// # Errors
    /// Refusals: 4101 the name is taken, 4104 name or password not acceptable. See [`AccountError`]. When the
    /// answer got lost the account may exist nevertheless.
    pub async fn register(&self, name: &str, password: &str) -> Result<Node, AccountError> {
        let answer = self.account_request(PacketType::Register, name, password).await?;
        let node = answer.n.ok_or(AccountError::Protocol("no node"))?;
        Node::new(&node).map_err(|_| AccountError::Protocol("a malformed node"))
    }

    /// Trades name and password for a one-time token that replaces the password in a login within a few seconds.
    ///
    /// # Errors
    /// Refusals: 4102 wrong name or password. See [`AccountError`].
    pub async fn token(&self, name: &str, password: &str) -> Result<Credentials, AccountError> {
        let answer = self.account_request(PacketType::Token, name, password).await?;
        let token = answer
            .n
            .filter(|token| !token.is_empty())
            .ok_or(AccountError::Protocol("no token"))?;
        Ok(Credentials::token(name, token))
    }

    async fn account_request(
        &self,
        packet_type: PacketType,
        name: &str,
        password: &str,
    ) -> Result<TimAck, AccountError> {
        let mut auth = TimAuth {
            name: Some(name.to_owned()),
            pwd: Some(password.to_owned()),
            domain: self.config.domain.clone(),
            extend: (!self.config.extend.is_empty()).then(|| self.config.extend.clone()),
            ..TimAuth::default()
        };
        let packet = packet::client_packet(packet_type, self.config.encoding, &auth);
        auth.pwd.zeroize();
        let answer = self.connector().post(packet, self.config.request_timeout).await;
        let answer = answer.map_err(AccountError::Unreachable)?;
        if answer.status != 200 {
            return Err(AccountError::Status(answer.status));
        }
        let ack = read_ack(&answer.body, self.config.encoding)?;
        if ack.tim_type != packet_type.as_i8() {
            return Err(AccountError::Protocol("an answer to something else"));
        }
        if ack.ok {
            Ok(ack)
        } else {
            Err(AccountError::Refused(Refusal::from_ack(&ack)))
        }
    }
}

fn read_ack(body: &[u8], encoding: Encoding) -> Result<TimAck, AccountError> {
    let packet = ServerPacket::parse(body).ok_or(AccountError::Protocol("nothing"))?;
    if packet.packet_type() != Some(PacketType::Ack) {
        return Err(AccountError::Protocol("something else than an answer"));
    }
    packet
        .decode(encoding)
        .map_err(|_| AccountError::Protocol("something unreadable"))
}
