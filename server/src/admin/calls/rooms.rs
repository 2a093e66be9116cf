//! Rooms and virtual rooms on behalf of accounts. `as` says in whose name; without it a room's founder acts.

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tim_protocol::wire::TimRoomBean;

use crate::admin::access::{Needs, Reach, Scope};
use crate::admin::call::{Call, Context, Nothing};
use crate::engine::accounts::Login;
use crate::store::{AccountId, Room, RoomId, RoomKind};
use crate::web::answer::Refusal;

/// Members of a page when the request does not say, and at most.
const USUAL_PAGE: usize = 1_000;
const LARGEST_PAGE: usize = 10_000;

pub(super) fn calls() -> Vec<Call> {
    let read = Needs::Right(Scope::RoomsRead, Reach::Domain);
    let write = Needs::Right(Scope::RoomsWrite, Reach::Domain);
    let (one, member) = ("/rooms/{room}", "/rooms/{room}/members/{node}");
    let publisher = "/virtual-rooms/{room}/publishers/{node}";
    vec![
        Call::new(
            "listRoomsOfAccount",
            (Method::GET, "/accounts/{node}/rooms"),
            read,
            "Rooms of an account",
            of_account,
        ),
        Call::new(
            "createRoom",
            (Method::POST, "/rooms"),
            write,
            "Create a room in the name of its founder",
            create,
        )
        .status(StatusCode::CREATED),
        Call::new("getRoom", (Method::GET, one), read, "A room", get),
        Call::new(
            "changeRoom",
            (Method::PATCH, one),
            write,
            "Change a room; what is absent stays",
            change,
        ),
        Call::new(
            "dissolveRoom",
            (Method::DELETE, one),
            write,
            "Dissolve a room whose only member is its founder",
            dissolve,
        ),
        Call::new(
            "listMembers",
            (Method::GET, "/rooms/{room}/members"),
            read,
            "Members of a room",
            members,
        ),
        Call::new(
            "addMember",
            (Method::PUT, member),
            write,
            "Add somebody; with `as` the same account: ask to join",
            add,
        ),
        Call::new(
            "removeMember",
            (Method::DELETE, member),
            write,
            "Remove somebody; with `as` the same account: leave",
            remove,
        ),
        Call::new(
            "refuseRequest",
            (Method::POST, "/rooms/{room}/requests/{node}/refuse"),
            write,
            "Refuse a request to join",
            refuse,
        ),
        Call::new(
            "listRoomBlocks",
            (Method::GET, "/rooms/{room}/blocks"),
            read,
            "Accounts that a room blocks",
            blocks,
        ),
        Call::new(
            "blockMember",
            (Method::PUT, "/rooms/{room}/blocks/{node}"),
            write,
            "Let a room block somebody",
            block,
        ),
        Call::new(
            "blockRoom",
            (Method::PUT, "/accounts/{node}/room-blocks/{room}"),
            write,
            "Let an account block a room",
            block_room,
        ),
        Call::new(
            "openVirtualRoom",
            (Method::POST, "/virtual-rooms"),
            write,
            "Open a virtual room in the name of its owner",
            open,
        )
        .status(StatusCode::CREATED),
        Call::new(
            "closeVirtualRoom",
            (Method::DELETE, "/virtual-rooms/{room}"),
            write,
            "End a virtual room",
            close,
        ),
        Call::new(
            "allowPublisher",
            (Method::PUT, publisher),
            write,
            "Let an account publish in a virtual room",
            allow,
        ),
        Call::new(
            "forbidPublisher",
            (Method::DELETE, publisher),
            write,
            "No longer",
            forbid,
        ),
    ]
}

/// In whose name.
#[derive(Deserialize, JsonSchema)]
struct As {
    /// Address of the account that acts; absent: the founder of the room.
    r#as: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Owner {
    /// Address of the owner of the virtual room.
    r#as: String,
}

/// Who may join a room.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Everybody.
    Open,
    /// Whom its staff admits.
    Private,
}

#[derive(Serialize, JsonSchema)]
struct Rooms {
    /// Addresses of the rooms the account is a member of.
    rooms: Vec<String>,
    /// Addresses of the rooms it blocks.
    blocked: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
struct NewRoom {
    /// Address of the founder.
    founder: String,
    /// What the room is about.
    topic: String,
    /// Who may join.
    kind: Kind,
}

/// The address of a room.
#[derive(Serialize, JsonSchema)]
struct Address {
    /// Its public address.
    room: String,
}

/// A room.
#[derive(Serialize, JsonSchema)]
struct Shown {
    /// Its public address.
    room: String,
    /// Its domain; empty for the default one.
    domain: String,
    /// Who may join.
    kind: Kind,
    /// Address of the founder.
    founder: String,
    /// Addresses of the managers.
    managers: Vec<String>,
    /// When it was made, in nanoseconds since 1970.
    created: i64,
    /// Whether it was dissolved.
    dissolved: bool,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// A label.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// Address of the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    cover: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Change {
    /// What it is about.
    topic: Option<String>,
    /// A label.
    label: Option<String>,
    /// Address of the picture.
    cover: Option<String>,
    /// Addresses of all managers.
    managers: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
struct PageQuery {
    /// The last member of the page before.
    after: Option<String>,
    /// 1 to 10000; 1000 when absent.
    #[schemars(range(min = 1, max = 10000))]
    limit: Option<usize>,
}

#[derive(Serialize, JsonSchema)]
struct Members {
    /// Addresses, sorted.
    members: Vec<String>,
    /// How many there are in all.
    total: usize,
    /// `after` of the next page; absent: there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Blocks {
    /// Addresses of the accounts.
    blocked: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Text {
    /// What the account reads with it.
    text: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
struct NewVirtualRoom {
    /// Address of the owner.
    owner: String,
    /// Needed to subscribe.
    password: Option<String>,
    /// Only members of this room may subscribe.
    members_of: Option<String>,
}

/// Who acts in a room.
async fn actor(context: &Context, room: &Room, asked: &As) -> Result<Login, Refusal> {
    let account = match &asked.r#as {
        Some(node) => context.account(node).await?,
        None => room.founder.clone(),
    };
    context.agent(&account).await
}

async fn of_account(context: Context, _: Nothing, _: Nothing) -> Result<Rooms, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let agent = context.agent(&account).await?;
    let lists = context.admin.engine.room_lists(&agent).await?;
    let nodes = |rooms: Vec<RoomId>| rooms.iter().map(|room| room.as_str().to_owned()).collect();
    Ok(Rooms {
        rooms: nodes(lists.joined),
        blocked: nodes(lists.blocked),
    })
}

async fn create(context: Context, _: Nothing, asked: NewRoom) -> Result<Address, Refusal> {
    let founder = context.account(&asked.founder).await?;
    let agent = context.agent(&founder).await?;
    if asked.topic.len() > crate::engine::rooms::TEXT_BYTES {
        return Err(Refusal::malformed("the topic is too long"));
    }
    let kind = match asked.kind {
        Kind::Open => RoomKind::Open,
        Kind::Private => RoomKind::Private,
    };
    let room = context
        .admin
        .engine
        .create_room(&agent, asked.topic, kind)
        .await?;
    context.note("room", &room);
    Ok(Address {
        room: room.as_str().to_owned(),
    })
}

async fn get(context: Context, _: Nothing, _: Nothing) -> Result<Shown, Refusal> {
    use tim_protocol::{Encoding, WireStruct as _};
    let room = context.room(context.argument("room")).await?;
    let profile = TimRoomBean::decode(&room.profile, Encoding::Compact).unwrap_or_default();
    Ok(Shown {
        room: room.id.as_str().to_owned(),
        domain: room.domain,
        kind: match room.kind {
            RoomKind::Open => Kind::Open,
            RoomKind::Private => Kind::Private,
        },
        founder: room.founder.as_str().to_owned(),
        managers: room
            .managers
            .iter()
            .map(|node| node.as_str().to_owned())
            .collect(),
        created: room.created.0,
        dissolved: room.dissolved,
        topic: profile.topic,
        label: profile.label,
        cover: profile.cover,
    })
}

async fn change(context: Context, asked: As, change: Change) -> Result<Nothing, Refusal> {
    let room = context.room(context.argument("room")).await?;
    let agent = actor(&context, &room, &asked).await?;
    let change = TimRoomBean {
        topic: change.topic,
        label: change.label,
        cover: change.cover,
        managers: change.managers,
        ..TimRoomBean::default()
    };
    context.admin.engine.modify_room(&agent, &room.id, change).await?;
    Ok(Nothing {})
}

async fn dissolve(context: Context, _: Nothing, _: Nothing) -> Result<Nothing, Refusal> {
    let room = context.room(context.argument("room")).await?;
    let agent = context.agent(&room.founder).await?;
    context.admin.engine.dissolve_room(&agent, &room.id).await?;
    Ok(Nothing {})
}

async fn members(context: Context, asked: PageQuery, _: Nothing) -> Result<Members, Refusal> {
    let limit = asked.limit.unwrap_or(USUAL_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Refusal::malformed(format!("limit is 1 to {LARGEST_PAGE}")));
    }
    let room = context.room(context.argument("room")).await?;
    let all = context.admin.engine.members_of(&room.id).await?;
    let after = asked.after.as_deref().unwrap_or_default();
    let start = all.partition_point(|member| member.as_str() <= after);
    let page: Vec<String> = all
        .iter()
        .skip(start)
        .take(limit)
        .map(|member| member.as_str().to_owned())
        .collect();
    Ok(Members {
        next: page.last().filter(|_| start + page.len() < all.len()).cloned(),
        total: all.len(),
        members: page,
    })
}

/// Room, acting login, and the account in the path.
async fn on_member(context: &Context, asked: &As) -> Result<(Room, Login, AccountId), Refusal> {
    let room = context.room(context.argument("room")).await?;
    let agent = actor(context, &room, asked).await?;
    let account = context.account(context.argument("node")).await?;
    Ok((room, agent, account))
}

async fn add(context: Context, asked: As, text: Text) -> Result<Nothing, Refusal> {
    let (room, agent, account) = on_member(&context, &asked).await?;
    let engine = &context.admin.engine;
    if agent.account().id == account {
        let text = bounded(text.text)?.unwrap_or_default();
        engine.join_room(&agent, &room.id, text).await?;
    } else {
        engine.pull_into_room(&agent, &room.id, &account).await?;
    }
    Ok(Nothing {})
}

async fn remove(context: Context, asked: As, _: Nothing) -> Result<Nothing, Refusal> {
    let (room, agent, account) = on_member(&context, &asked).await?;
    let engine = &context.admin.engine;
    if agent.account().id == account {
        engine.leave_room(&agent, &room.id).await?;
    } else {
        engine.kick_from_room(&agent, &room.id, &account).await?;
    }
    Ok(Nothing {})
}

async fn refuse(context: Context, asked: As, text: Text) -> Result<Nothing, Refusal> {
    let (room, agent, account) = on_member(&context, &asked).await?;
    let text = bounded(text.text)?;
    let refusing = context
        .admin
        .engine
        .refuse_request(&agent, &room.id, &account, text);
    refusing.await?;
    Ok(Nothing {})
}

fn bounded(text: Option<String>) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.len() > crate::engine::rooms::TEXT_BYTES => {
            Err(Refusal::malformed("the text is too long"))
        }
        text => Ok(text),
    }
}

async fn blocks(context: Context, _: Nothing, _: Nothing) -> Result<Blocks, Refusal> {
    let room = context.room(context.argument("room")).await?;
    let agent = context.agent(&room.founder).await?;
    let blocked = context.admin.engine.room_blocks(&agent, &room.id).await?;
    Ok(Blocks {
        blocked: blocked.iter().map(|node| node.as_str().to_owned()).collect(),
    })
}

async fn block(context: Context, asked: As, _: Nothing) -> Result<Nothing, Refusal> {
    let (room, agent, account) = on_member(&context, &asked).await?;
    let engine = &context.admin.engine;
    engine.block_in_room(&agent, &room.id, &account).await?;
    Ok(Nothing {})
}

async fn block_room(context: Context, _: Nothing, _: Nothing) -> Result<Nothing, Refusal> {
    let account = context.account(context.argument("node")).await?;
    let room = context.room(context.argument("room")).await?;
    let agent = context.agent(&account).await?;
    context.admin.engine.block_room(&agent, &room.id).await?;
    Ok(Nothing {})
}

async fn open(context: Context, _: Nothing, asked: NewVirtualRoom) -> Result<Address, Refusal> {
    let owner = context.account(&asked.owner).await?;
    let agent = context.agent(&owner).await?;
    let opening = context.admin.engine.open_virtual_room(
        &agent,
        asked.password.as_deref(),
        asked.members_of.as_deref(),
    );
    let room = opening.await?.as_str().to_owned();
    context.note("room", &room);
    Ok(Address { room })
}

async fn close(context: Context, asked: Owner, _: Nothing) -> Result<Nothing, Refusal> {
    let owner = context.account(&asked.r#as).await?;
    let agent = context.agent(&owner).await?;
    let engine = &context.admin.engine;
    engine.close_virtual_room(&agent, context.argument("room"))?;
    Ok(Nothing {})
}

async fn allow(context: Context, asked: Owner, _: Nothing) -> Result<Nothing, Refusal> {
    grant(&context, &asked, true).await
}

async fn forbid(context: Context, asked: Owner, _: Nothing) -> Result<Nothing, Refusal> {
    grant(&context, &asked, false).await
}

async fn grant(context: &Context, asked: &Owner, is_granted: bool) -> Result<Nothing, Refusal> {
    let owner = context.account(&asked.r#as).await?;
    let to = context.account(context.argument("node")).await?;
    let agent = context.agent(&owner).await?;
    let room = context.argument("room");
    let engine = &context.admin.engine;
    engine.grant(&agent, room, to.as_str(), is_granted)?;
    Ok(Nothing {})
}
