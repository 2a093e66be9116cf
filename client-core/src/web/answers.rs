//! Reading answers of the HTTP API.

use serde::de::DeserializeOwned;
use tim_protocol::Node;

use super::WebError;

pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, WebError> {
    serde_json::from_str(text).map_err(|_| WebError::Protocol("something unreadable"))
}

pub(super) fn node(text: &str) -> Result<Node, WebError> {
    Node::new(text).map_err(|_| WebError::Protocol("a malformed node"))
}
