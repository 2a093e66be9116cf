//! A cluster of one: every account is here, every event comes straight back.

use std::sync::{OnceLock, Weak};

use super::{Bus, Directory, Event, NodeId, Receiver, Unreachable};
use crate::store::{AccountId, RoomId};

/// Bus and directory of a server that runs alone.
pub struct LocalCluster {
    node: NodeId,
    receiver: OnceLock<Weak<dyn Receiver>>,
}

impl LocalCluster {
    /// A cluster whose only member has the given id.
    #[must_use]
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            receiver: OnceLock::new(),
        }
    }
}

impl std::fmt::Debug for LocalCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalCluster")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

impl Bus for LocalCluster {
    fn local(&self) -> NodeId {
        self.node
    }

    fn members(&self) -> Vec<NodeId> {
        vec![self.node]
    }

    fn send(&self, to: NodeId, event: Event) -> Result<(), Unreachable> {
        let receiver = (to == self.node)
            .then(|| self.receiver.get()?.upgrade())
            .flatten();
        match receiver {
            Some(receiver) => {
                receiver.receive(self.node, event);
                Ok(())
            }
            None => Err(Unreachable(to)),
        }
    }

    fn attach(&self, receiver: Weak<dyn Receiver>) {
        if self.receiver.set(receiver).is_err() {
            tracing::error!("a receiver was attached twice; the first one stays");
        }
    }
}

impl Directory for LocalCluster {
    fn announce(&self, _account: &AccountId, _online: bool) {}

    fn locate(&self, _account: &AccountId, visit: &mut dyn FnMut(NodeId)) {
        visit(self.node);
    }

    fn locate_room(&self, _room: &RoomId, visit: &mut dyn FnMut(NodeId)) {
        visit(self.node);
    }
}
