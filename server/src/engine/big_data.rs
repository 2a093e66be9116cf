//! Big strings and big binaries to users (wire-protocol 7.9): delivered to the sessions connected now
//! or not at all, with the permission a message needs.

use std::sync::Arc;

use tim_protocol::bigdata::BigPacket;
use tim_protocol::error_code::ErrorCode;
use tim_protocol::node::Node;

use super::Engine;
use super::accounts::Login;
use super::parcel::Parcel;
use super::permission::may_write;
use crate::cluster::Event;

impl Engine {
    /// Passes a big string or binary on to the account it names.
    ///
    /// # Errors
    /// `Account` when there is no such account, `PermDenied` when a message to it would be refused.
    pub async fn send_big(&self, login: &Login, packet: BigPacket) -> Result<(), ErrorCode> {
        let to = self
            .parse_account(packet.node.as_str())
            .ok_or(ErrorCode::Account)?;
        let relation = self.relation_of(login.person(), &to).await?;
        may_write(relation, self.settings.messages.require_friendship)?;
        let sender = login.account().id.as_str();
        let delivery = BigPacket {
            node: Node::new(sender).map_err(|_| ErrorCode::Account)?,
            ..packet
        };
        let parcel = Parcel::whole(delivery.kind.packet_type(), delivery.to_client());
        let event = Event::Volatile {
            owner: to.clone(),
            parcel: Arc::new(parcel),
        };
        self.to_nodes_of(&to, &event);
        Ok(())
    }
}
