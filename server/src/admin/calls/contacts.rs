//! Friends and blocks on behalf of accounts.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::access::{Needs, Reach, Scope};
use crate::admin::call::{Call, Context, Nothing};
use crate::web::answer::Refusal;

pub(super) fn calls() -> Vec<Call> {
    let read = Needs::Right(Scope::ContactsRead, Reach::Domain);
    let write = Needs::Right(Scope::ContactsWrite, Reach::Domain);
    let one = "/accounts/{node}/friends/{peer}";
    vec![
        Call::new(
            "listContacts",
            (Method::GET, "/accounts/{node}/contacts"),
            read,
            "Friends and blocked accounts",
            list,
        ),
        Call::new(
            "addFriend",
            (Method::PUT, one),
            write,
            "Ask for friendship in the name of an account, or accept it",
            add,
        ),
        Call::new(
            "removeFriend",
            (Method::DELETE, one),
            write,
            "End a friendship, decline a request, or lift a block",
            remove,
        ),
        Call::new(
            "blockAccount",
            (Method::PUT, "/accounts/{node}/blocks/{peer}"),
            write,
            "Block an account in the name of another",
            block,
        ),
    ]
}

#[derive(Serialize, JsonSchema)]
struct Contacts {
    /// Addresses of the friends.
    friends: Vec<String>,
    /// Addresses of those the account blocks.
    blocked: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Request {
    /// What the other reads with the request, at most 1024 bytes.
    greeting: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Relation {
    /// Whether the two are friends now. `false`: the other has to accept.
    friends: bool,
}

async fn list(context: Context, _: Nothing, _: Nothing) -> Result<Contacts, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let agent = context.agent(&account).await?;
    let lists = context.admin.engine.contact_lists(&agent).await?;
    let nodes = |accounts: Vec<crate::store::AccountId>| {
        let nodes = accounts.iter().map(|account| account.as_str().to_owned());
        nodes.collect()
    };
    Ok(Contacts {
        friends: nodes(lists.friends),
        blocked: nodes(lists.blocked),
    })
}

async fn add(context: Context, _: Nothing, asked: Request) -> Result<Relation, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let agent = context.agent(&account).await?;
    let greeting = asked.greeting.unwrap_or_default();
    let adding = context
        .admin
        .engine
        .add_contact(&agent, context.argument("peer"), greeting);
    Ok(Relation {
        friends: adding.await?,
    })
}

async fn remove(context: Context, _: Nothing, _: Nothing) -> Result<Nothing, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let agent = context.agent(&account).await?;
    let peer = context.argument("peer");
    context.admin.engine.remove_contact(&agent, peer).await?;
    Ok(Nothing {})
}

async fn block(context: Context, _: Nothing, _: Nothing) -> Result<Nothing, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let agent = context.agent(&account).await?;
    let peer = context.argument("peer");
    context.admin.engine.block_contact(&agent, peer).await?;
    Ok(Nothing {})
}
