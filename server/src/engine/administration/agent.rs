//! Acting in the name of an account: a login that belongs to no connection.

use std::sync::Arc;

use tim_protocol::error_code::ErrorCode;
use tim_protocol::wire::Tid;

use crate::engine::accounts::Login;
use crate::engine::identity::device_key;
use crate::engine::online::{Member, OnlineAccount};
use crate::engine::outlet::Outlet;
use crate::engine::{Engine, store_failure};
use crate::store::AccountId;

/// Packets that wait for an agent: the outcome of what it sends, and little else.
const OUTLET_PACKETS: usize = 16;
const OUTLET_BYTES: usize = 1 << 20;

impl Engine {
    /// A login for acting in the name of an account, online or not. It is no session: nobody sees it, it takes
    /// no place of a device, and nothing is delivered to it.
    ///
    /// # Errors
    /// `Account` when there is no such account; the store's failures.
    pub async fn agent(self: &Arc<Self>, id: &AccountId) -> Result<Login, ErrorCode> {
        let stored = self.store.account(id).await;
        let stored = stored
            .map_err(|error| store_failure(&error))?
            .ok_or(ErrorCode::Account)?;
        let tid = Tid {
            node: id.as_str().to_owned(),
            domain: (!stored.domain.is_empty()).then(|| stored.domain.clone()),
            ..Tid::default()
        };
        let account = match self.online.get(id) {
            Some(account) => account,
            None => {
                let state = self.store.inbox_state(id).await;
                let devices = state.map_err(|error| store_failure(&error))?.devices.len();
                // Each of its devices has to learn what is sent in its name.
                Arc::new(OnlineAccount::detached(
                    id.clone(),
                    stored.domain.into(),
                    devices + 1,
                ))
            }
        };
        let member = Arc::new(Member {
            id: self.online.next_id(),
            device: device_key(None, None),
            device_type: 0,
            tid,
            web_session: None,
            tag: 0,
            outlet: Arc::new(Outlet::new(OUTLET_PACKETS, OUTLET_BYTES)),
            rooms: parking_lot::Mutex::default(),
        });
        Ok(Login::agent(Arc::clone(self), account, member))
    }
}
