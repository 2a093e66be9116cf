//! The operator's own check before a login (wire-protocol 7.3): the login is POSTed as JSON and goes on
//! only when the first byte of the answer is 1. Never a reason to let somebody in by accident: any
//! other answer, status or failure means no.

use async_trait::async_trait;
use tim_protocol::wire::TimAuth;
use tim_protocol::{Encoding, WireStruct};

use super::http::Caller;
use crate::config::External;
use crate::engine::external::{LoginGate, OutsideError};

/// The byte that lets a login go on.
const ADMITTED: u8 = 1;

/// Asks `external.check_url`.
pub(super) struct CheckUrl(Caller);

impl CheckUrl {
    pub(super) fn new(settings: &External) -> Result<Self, String> {
        Caller::new("check_url", &settings.check_url, settings).map(Self)
    }
}

#[async_trait]
impl LoginGate for CheckUrl {
    async fn admits(&self, auth: &TimAuth) -> Result<bool, OutsideError> {
        let first = self.0.first_byte(auth.encode(Encoding::Json)).await?;
        Ok(first == Some(ADMITTED))
    }
}
