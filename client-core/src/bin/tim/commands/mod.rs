//! One module per group of commands.

mod account;
mod chat;
mod contacts;
mod history;
mod listen;
pub(crate) mod rooms;
mod send;

use tim_client::Conversation;

use crate::arguments::{Arguments, Command};
use crate::connection::Account;
use crate::failure::Failure;

/// The conversation that a command is about.
fn conversation(account: &Account, node: &str, is_room: bool) -> Result<Conversation, Failure> {
    let node = account.profile.resolve(node)?;
    Ok(if is_room {
        Conversation::Room(node.into())
    } else {
        Conversation::Peer(node)
    })
}

/// Runs a command.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { options, command } = arguments;
    match command {
        Command::Register {
            account: name,
            saving,
        } => account::register(Account::enter(options, &name)?, saving.save_password).await,
        Command::Login {
            account: name,
            saving,
        } => account::login(Account::enter(options, &name)?, saving.save_password).await,
        Command::Whoami => account::whoami(Account::find(options)?).await,
        Command::Passwd { new_password_file } => {
            account::passwd(Account::find(options)?, new_password_file.as_deref()).await
        }
        Command::Friends => contacts::friends(&Account::find(options)?).await,
        Command::Blocked => contacts::blocked(&Account::find(options)?).await,
        Command::Add { node, text } => contacts::add(&Account::find(options)?, &node, &text).await,
        Command::Accept { node } => contacts::add(&Account::find(options)?, &node, "").await,
        Command::Remove { node } => contacts::remove(&Account::find(options)?, &node).await,
        Command::Block { node } => contacts::block(&Account::find(options)?, &node).await,
        Command::Unblock { node } => contacts::unblock(&Account::find(options)?, &node).await,
        Command::Alias { alias, node, remove } => {
            contacts::alias(Account::find(options)?, alias, node, remove)
        }
        Command::Room { command } => rooms::run(&Account::find(options)?, command).await,
        Command::Chat { node, room, history } => {
            Box::pin(chat::run(&Account::find(options)?, &node, room, history)).await
        }
        Command::History {
            node,
            room,
            before,
            limit,
        } => history::run(&Account::find(options)?, &node, room, before, limit).await,
        Command::Send {
            node,
            room,
            text,
            lines,
            timeout,
        } => send::run(&Account::find(options)?, &node, room, &text, lines, timeout).await,
        Command::Listen {
            count,
            timeout,
            drain,
            presence,
        } => listen::run(&Account::find(options)?, count, timeout, drain, presence).await,
    }
}
