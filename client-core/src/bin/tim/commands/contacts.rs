//! Friends, requests, blocks, and names for nodes.

use serde_json::json;
use tim_client::{Added, Node};

use crate::connection::{Account, Purpose};
use crate::failure::Failure;
use crate::output;

pub(crate) async fn friends(account: &Account) -> Result<(), Failure> {
    let client = account.connect(Purpose::Errand).await?;
    let nodes = client.friends().await;
    client.close().await;
    print_nodes(account, &nodes?)
}

pub(crate) async fn blocked(account: &Account) -> Result<(), Failure> {
    let client = account.connect(Purpose::Errand).await?;
    let nodes = client.blocked().await;
    client.close().await;
    print_nodes(account, &nodes?)
}

pub(super) fn print_nodes(account: &Account, nodes: &[Node]) -> Result<(), Failure> {
    for node in nodes {
        let shown = account.profile.display(node);
        let alias = (node != shown).then_some(shown);
        if account.options().json {
            output::line(&json!({"node": node.as_str(), "alias": alias}).to_string())?;
        } else if let Some(alias) = alias {
            output::line(&format!("{node} {}", output::harmless(alias)))?;
        } else {
            output::line(node.as_str())?;
        }
    }
    Ok(())
}

pub(crate) async fn add(account: &Account, node: &str, text: &str) -> Result<(), Failure> {
    let node = account.profile.resolve(node)?;
    let client = account.connect(Purpose::Errand).await?;
    let added = client.add_friend(&node, text).await;
    client.close().await;
    let are_friends = added? == Added::FriendsNow;
    if account.options().json {
        output::line(&json!({"node": node.as_str(), "friends": are_friends}).to_string())?;
    } else if are_friends {
        output::line("you are friends now")?;
    } else {
        output::line("request sent; you are friends when the other side accepts")?;
    }
    Ok(())
}

pub(crate) async fn remove(account: &Account, node: &str) -> Result<(), Failure> {
    let node = account.profile.resolve(node)?;
    let client = account.connect(Purpose::Errand).await?;
    let result = client.remove_friend(&node).await;
    client.close().await;
    Ok(result?)
}

pub(crate) async fn block(account: &Account, node: &str) -> Result<(), Failure> {
    let node = account.profile.resolve(node)?;
    let client = account.connect(Purpose::Errand).await?;
    let result = client.block(&node).await;
    client.close().await;
    Ok(result?)
}

pub(crate) async fn unblock(account: &Account, node: &str) -> Result<(), Failure> {
    let node = account.profile.resolve(node)?;
    let client = account.connect(Purpose::Errand).await?;
    let result = client.unblock(&node).await;
    client.close().await;
    Ok(result?)
}

pub(crate) fn alias(
    mut account: Account,
    name: Option<String>,
    node: Option<String>,
    remove: bool,
) -> Result<(), Failure> {
    let unknown = |name: &str| Failure::usage(format!("there is no alias {name:?}"));
    match (name, node) {
        (None, _) => {
            for (alias, node) in &account.profile.aliases {
                output::line(&if account.options().json {
                    json!({"alias": alias, "node": node}).to_string()
                } else {
                    format!("{} {}", output::harmless(alias), output::harmless(node))
                })?;
            }
            return Ok(());
        }
        (Some(name), None) if remove => {
            account
                .profile
                .aliases
                .remove(&name)
                .ok_or_else(|| unknown(&name))?;
        }
        (Some(name), None) => {
            let node = account.profile.aliases.get(&name).ok_or_else(|| unknown(&name))?;
            output::line(&output::harmless(node))?;
            return Ok(());
        }
        (Some(name), Some(node)) => {
            if name.is_empty()
                || name
                    .chars()
                    .any(|character| character.is_whitespace() || character.is_control())
            {
                return Err(Failure::usage("an alias is one word"));
            }
            let node = Node::new(&node).map_err(|error| Failure::usage(format!("{node}: {error}")))?;
            account.profile.aliases.insert(name, node.to_string());
        }
    }
    if !account.is_stored {
        return Err(Failure::usage(
            "aliases are kept with an account; log in first with `tim login NAME`",
        ));
    }
    account.save()
}
