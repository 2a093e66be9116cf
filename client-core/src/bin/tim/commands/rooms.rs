//! Rooms: creating, joining, members, staff.

use serde_json::json;
use tim_client::{Client, Node, NoticeKind, Room, RoomKind, RoomProfile};

use super::contacts::print_nodes;
use crate::arguments::RoomCommand;
use crate::connection::{Account, Purpose};
use crate::failure::Failure;
use crate::output;

pub(crate) async fn run(account: &Account, command: RoomCommand) -> Result<(), Failure> {
    let client = account.connect(Purpose::Errand).await?;
    let result = Box::pin(carry_out(account, &client, command)).await;
    client.close().await;
    result
}

async fn carry_out(account: &Account, client: &Client, command: RoomCommand) -> Result<(), Failure> {
    let room =
        |text: &str| -> Result<Room, Failure> { Ok(client.room(&account.profile.resolve(text)?.into())) };
    let user = |text: &str| account.profile.resolve(text);
    match command {
        RoomCommand::Create { topic, open } => {
            let kind = if open { RoomKind::Open } else { RoomKind::Private };
            let room = client.create_room(kind, topic).await?;
            output::line(&if account.options().json {
                json!({"room": room.as_str()}).to_string()
            } else {
                room.as_str().to_owned()
            })?;
        }
        RoomCommand::List => {
            let rooms: Vec<Node> = client.rooms().await?.into_iter().map(Into::into).collect();
            print_nodes(account, &rooms)?;
        }
        RoomCommand::Blocked => {
            let rooms = client.blocked_rooms().await?;
            print_nodes(account, &rooms.into_iter().map(Into::into).collect::<Vec<_>>())?;
        }
        RoomCommand::Info { room: id } => info(account, &room(&id)?).await?,
        RoomCommand::Topic { room: id, topic } => {
            let change = RoomProfile::new().with_topic(topic.join(" "));
            room(&id)?.set_profile(change).await?;
        }
        RoomCommand::Managers { room: id, users } => {
            let managers = users
                .iter()
                .map(|node| user(node))
                .collect::<Result<Vec<_>, _>>()?;
            room(&id)?.set_managers(&managers).await?;
        }
        RoomCommand::Members { room: id } => print_nodes(account, &room(&id)?.members().await?)?,
        RoomCommand::BlockedMembers { room: id } => {
            print_nodes(account, &room(&id)?.blocked_members().await?)?;
        }
        RoomCommand::Join { room: id, text } => {
            room(&id)?.join(text).await?;
            if !account.options().json {
                output::line("asked to join; an open room lets you in at once")?;
            }
        }
        RoomCommand::Invite { room: id, node } => room(&id)?.invite(&user(&node)?).await?,
        RoomCommand::Approve { room: id, node } => room(&id)?.approve(&user(&node)?).await?,
        RoomCommand::Reject { room: id, node, text } => room(&id)?.reject(&user(&node)?, text).await?,
        RoomCommand::Kick { room: id, node } => room(&id)?.kick(&user(&node)?).await?,
        RoomCommand::BlockMember { room: id, node } => room(&id)?.block_member(&user(&node)?).await?,
        RoomCommand::UnblockMember { room: id, node } => room(&id)?.unblock_member(&user(&node)?).await?,
        RoomCommand::Leave { room: id } => room(&id)?.leave().await?,
        RoomCommand::Dissolve { room: id } => room(&id)?.dissolve().await?,
        RoomCommand::Block { room: id } => room(&id)?.block().await?,
        RoomCommand::Unblock { room: id } => room(&id)?.unblock().await?,
    }
    Ok(())
}

async fn info(account: &Account, room: &Room) -> Result<(), Failure> {
    let Some(profile) = room.profile().await? else {
        return Err(Failure::usage("there is no such room, or nothing is told of it"));
    };
    let kind = match profile.kind {
        Some(RoomKind::Open) => "open",
        _ => "private",
    };
    let managers = profile.managers.unwrap_or_default();
    if account.options().json {
        let object = json!({
            "room": room.id().as_str(),
            "topic": profile.topic,
            "kind": kind,
            "founder": profile.founder.as_ref().map(Node::as_str),
            "managers": managers.iter().map(Node::as_str).collect::<Vec<_>>(),
            "label": profile.label,
            "created": profile.created.map(|time| time.nanos()),
        });
        output::line(&object.to_string())?;
        return Ok(());
    }
    output::line(&format!(
        "topic     {}",
        output::harmless(profile.topic.as_deref().unwrap_or(""))
    ))?;
    output::line(&format!("kind      {kind}"))?;
    let founder = profile.founder.as_ref();
    output::line(&format!(
        "founder   {}",
        output::harmless(account.display(founder))
    ))?;
    for manager in &managers {
        output::line(&format!(
            "manager   {}",
            output::harmless(account.profile.display(manager))
        ))?;
    }
    Ok(())
}

/// How a notice about a room can be answered on the command line.
pub(crate) fn hint(kind: NoticeKind, room: &str, node: &str) -> Option<String> {
    (kind == NoticeKind::JoinRequest).then(|| {
        let (room, node) = (output::harmless(room), output::harmless(node));
        format!(" (tim room approve {room} {node})")
    })
}
