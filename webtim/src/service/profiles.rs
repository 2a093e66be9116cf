//! Profiles of people, fetched when they are first needed, many at a time.

use std::collections::BTreeSet;

use tim_client::Node;

use super::Service;

/// Profiles asked for in one request.
const AT_ONCE: usize = 200;

/// Whose profiles are to be fetched, and whose were.
#[derive(Default)]
pub(super) struct Wanted {
    waiting: BTreeSet<Node>,
    asked: BTreeSet<Node>,
    scheduled: bool,
}

impl Service {
    /// The profiles of these people are needed. Those that are known or asked for already cost nothing.
    pub fn want_profiles<'a>(&self, people: impl IntoIterator<Item = &'a Node>) {
        {
            let mut wanted = self.inner.profiles.borrow_mut();
            for node in people {
                if !wanted.asked.contains(node) {
                    wanted.asked.insert(node.clone());
                    wanted.waiting.insert(node.clone());
                }
            }
            if wanted.waiting.is_empty() || wanted.scheduled {
                return;
            }
            wanted.scheduled = true;
        }
        let service = self.clone();
        self.spawn(async move { service.fetch_profiles().await });
    }

    /// The profile of this person may have changed.
    pub fn reload_profile(&self, node: &Node) {
        self.inner.profiles.borrow_mut().asked.remove(node);
        self.want_profiles([node]);
    }

    async fn fetch_profiles(&self) {
        // Whoever else asks in the same turn joins in.
        gloo_timers::future::TimeoutFuture::new(0).await;
        loop {
            let some: Vec<Node> = {
                let mut wanted = self.inner.profiles.borrow_mut();
                let some: Vec<Node> = wanted.waiting.iter().take(AT_ONCE).cloned().collect();
                for node in &some {
                    wanted.waiting.remove(node);
                }
                if some.is_empty() {
                    wanted.scheduled = false;
                    return;
                }
                some
            };
            let profiles = match self.client() {
                Ok(client) => client.profiles(&some).await.ok(),
                Err(_) => None,
            };
            match profiles {
                Some(profiles) => self.store.change(|model| model.people.set_profiles(profiles)),
                None => {
                    // Asked again when they are needed again.
                    let mut wanted = self.inner.profiles.borrow_mut();
                    for node in &some {
                        wanted.asked.remove(node);
                    }
                }
            }
        }
    }
}
