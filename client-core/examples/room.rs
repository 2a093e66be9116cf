//! Two people in a room: one opens it, the other joins, both speak, and a stream runs beside it.
//!
//! Start a server, then `cargo run -p tim-client --example room -- ws://127.0.0.1:20003`.

use std::time::{SystemTime, UNIX_EPOCH};

use tim_client::{
    Client, ClientBuilder, Conversation, Credentials, Event, HistoryStart, NoticeKind, Publication, RoomKind,
    SubscribeOptions, VirtualRoomAccess,
};

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "ws://127.0.0.1:20003".to_owned());
    let server = ClientBuilder::new(&address)?.resource("example");
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let alice = enter(&server, &format!("alice{now}")).await?;
    let bob = enter(&server, &format!("bob{now}")).await?;

    // Whoever knows the id of an open room can join it. In a private one the founder or a manager approves.
    let id = alice.create_room(RoomKind::Open, "Lunch").await?;
    bob.room(&id).join("").await?;
    loop {
        if let Some(Event::Notice(notice)) = bob.next_event().await
            && notice.kind == NoticeKind::RoomJoined
        {
            break;
        }
    }

    alice.room(&id).send_text("Where shall we go?").await?;
    loop {
        if let Some(Event::Message(message)) = bob.next_event().await
            && message.conversation == Conversation::Room(id.clone())
        {
            show("bob", &format!("read {:?}", message.text));
            break;
        }
    }
    bob.room(&id).send_text("To the corner.").await?;
    for message in alice.room(&id).history(HistoryStart::Newest, 10).await? {
        show("history", &format!("{:?}", message.text));
    }

    // A stream for the members of the room. Nothing of it is stored.
    let access = VirtualRoomAccess::open().with_members_of(&id);
    let stage = alice.create_virtual_room(access).await?;
    let mut frames = bob
        .virtual_room(&stage)
        .subscribe(SubscribeOptions::new())
        .await?;
    alice
        .virtual_room(&stage)
        .publish(Publication::new(&b"a picture of the menu"[..]))
        .await?;
    if let Some(frame) = frames.next_frame().await {
        show("bob", &format!("received a frame of {} bytes", frame.body.len()));
    }

    alice.close().await;
    bob.close().await;
    Ok(())
}

async fn enter(server: &ClientBuilder, name: &str) -> Result<Client, Failure> {
    let password = "correct horse battery";
    server.register(name, password).await?;
    Ok(server.connect(Credentials::password(name, password)).await?)
}

#[allow(clippy::print_stdout, reason = "an example for the terminal")]
fn show(who: &str, what: &str) {
    println!("{who}: {what}");
}
