//! Makes friends of many people before the server starts, through its own store: a million
//! friendships over the protocol would take longer than everything that is measured with them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tim_protocol::node::Node;
use tim_server::store::{
    AccountId, ContactChange, ContactState, Contacts, MasterKeySource, SqliteOptions, SqliteStore, Store as _,
};
use tokio::task::JoinSet;

use crate::accounts::{self, Account};
use crate::reactor::Reactor;

/// Changes handed to the store at the same time, which makes them durable in groups.
const AT_ONCE: usize = 2048;

/// Who knows whom: person `n` of `people` has those next to it in a circle as friends, half of
/// them on either side.
#[derive(Clone, Copy, Debug)]
pub struct Circle {
    /// Everybody.
    pub people: usize,
    /// Friends of each, an even number below `people`.
    pub friends: usize,
}

impl Circle {
    /// Friends of person `n`.
    pub fn friends_of(self, n: usize) -> impl Iterator<Item = usize> {
        let half = self.friends / 2;
        (1..=half).flat_map(move |step| [(n + step) % self.people, (n + self.people - step) % self.people])
    }

    /// Every friendship once.
    fn pairs(self) -> impl Iterator<Item = (usize, usize)> {
        let half = self.friends / 2;
        (0..self.people).flat_map(move |n| (1..=half).map(move |step| (n, (n + step) % self.people)))
    }

    /// Fails when it is no circle.
    pub fn check(self) -> Result<()> {
        ensure!(
            self.friends.is_multiple_of(2) && self.friends < self.people,
            "the number of friends must be even and below the number of people"
        );
        Ok(())
    }
}

/// Makes the friendships of `circle` in the data directory of a server that is not running.
/// `accounts` are registered there.
pub fn make(data: &Path, accounts: &[Account], circle: Circle) -> Result<()> {
    let ids: Vec<AccountId> = accounts
        .iter()
        .map(|account| Node::new(&account.node).map(AccountId::new))
        .collect::<Result<_, _>>()
        .context("an account has no proper node")?;
    let source = MasterKeySource::File(data.join("master.key"));
    let store = SqliteStore::open(&SqliteOptions::new(data.join("tim.db")), &source)
        .context("opening the database of the server")?;
    let store = Arc::new(store);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .context("starting a runtime")?;
    runtime.block_on(async {
        let mut under_way = JoinSet::new();
        for (one, other) in circle.pairs() {
            if under_way.len() >= AT_ONCE {
                finished(under_way.join_next().await)?;
            }
            let change = ContactChange {
                owner: ids[one].clone(),
                peer: ids[other].clone(),
                expected: Contacts::default(),
                becomes: Contacts {
                    own: ContactState::Wants,
                    peer: ContactState::Wants,
                },
                notices: Vec::new(),
            };
            let store = Arc::clone(&store);
            under_way.spawn(async move { store.change_contacts(change).await });
        }
        while !under_way.is_empty() {
            finished(under_way.join_next().await)?;
        }
        store.close().await;
        Ok(())
    })
}

/// Makes the friendships of `circle` over the protocol. Nobody is logged in before and afterwards.
pub fn make_online(reactor: &mut Reactor, accounts: &[Account], circle: Circle) -> Result<()> {
    let keys = accounts::log_in(reactor, accounts, 16)?;
    for step in 1..=circle.friends / 2 {
        // In one round everybody asks one and is asked by one: notices need not say by whom.
        let couples: Vec<_> = (0..circle.people)
            .map(|n| {
                let other = (n + step) % circle.people;
                [(keys[n], &accounts[n]), (keys[other], &accounts[other])]
            })
            .collect();
        accounts::befriend(reactor, &couples)?;
    }
    accounts::log_out(reactor, &keys)
}

type Outcome = Result<Option<Vec<tim_server::store::Seq>>, tim_server::store::StoreError>;

fn finished(task: Option<Result<Outcome, tokio::task::JoinError>>) -> Result<()> {
    let Some(task) = task else { return Ok(()) };
    let changed = task
        .context("making friends")?
        .context("the store refused a friendship")?;
    ensure!(changed.is_some(), "two people knew each other already");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn everybody_has_the_same_number_of_friends_and_friendship_is_mutual() {
        let circle = Circle {
            people: 11,
            friends: 4,
        };
        circle.check().unwrap();
        assert_eq!(circle.pairs().count(), 22);
        for n in 0..11 {
            let friends: BTreeSet<usize> = circle.friends_of(n).collect();
            assert_eq!(friends.len(), 4);
            assert!(!friends.contains(&n));
            for friend in friends {
                assert!(circle.friends_of(friend).any(|other| other == n));
                assert!(
                    circle.pairs().any(|pair| pair == (n, friend))
                        != circle.pairs().any(|pair| pair == (friend, n))
                );
            }
        }
    }

    #[test]
    fn odd_and_impossible_circles_are_refused() {
        for (people, friends) in [(10, 3), (10, 10), (2, 4)] {
            assert!(Circle { people, friends }.check().is_err());
        }
    }

    #[test]
    fn friendships_are_in_the_database_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let source = MasterKeySource::File(folder.path().join("master.key"));
        let options = SqliteOptions::new(folder.path().join("tim.db"));
        let accounts: Vec<Account> = (0..5)
            .map(|n| Account {
                node: tim_protocol::node::wide_node_from_random([n; 15])
                    .as_str()
                    .to_owned(),
                ..Account::new("friends", usize::from(n))
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // The server makes the key and the database; here the store does.
        runtime.block_on(SqliteStore::open(&options, &source).unwrap().close());
        let circle = Circle {
            people: 5,
            friends: 2,
        };
        make(folder.path(), &accounts, circle).unwrap();
        let store = SqliteStore::open(&options, &source).unwrap();
        let id = AccountId::new(Node::new(&accounts[0].node).unwrap());
        let lists = runtime.block_on(store.contact_lists(&id)).unwrap();
        assert_eq!(lists.friends.len(), 2);
    }
}
