//! Two people meet and chat: registers two accounts, makes them friends, sends a message, reads the history.
//!
//! Start a server, then `cargo run -p tim-client --example first_chat -- ws://127.0.0.1:20003`.

use std::time::{SystemTime, UNIX_EPOCH};

use tim_client::{Client, ClientBuilder, Credentials, Event, HistoryStart, NoticeKind};

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "ws://127.0.0.1:20003".to_owned());
    let server = ClientBuilder::new(&address)?.resource("example");

    // Names are only for logging in. Nobody else sees them; people address each other by node.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let alice = enter(&server, &format!("alice{now}")).await?;
    let bob = enter(&server, &format!("bob{now}")).await?;

    // Friendship takes both sides.
    alice.add_friend(bob.node(), "Hello, it is Alice").await?;
    loop {
        if let Some(Event::Notice(notice)) = bob.next_event().await
            && notice.kind == NoticeKind::FriendRequest
        {
            show("bob", &format!("asked for friendship: {:?}", notice.text));
            break;
        }
    }
    bob.accept_friend(alice.node()).await?;

    // `send` returns when the server has stored the message.
    let sent = alice.send_text(bob.node(), "How are you?").await?;
    show(
        "alice",
        &format!("message {:?} is stored", sent.mid.map(|mid| mid.get())),
    );
    loop {
        if let Some(Event::Message(message)) = bob.next_event().await {
            show("bob", &format!("received {:?}", message.text));
            break;
        }
    }

    for message in bob.history(alice.node(), HistoryStart::Newest, 10).await? {
        show(
            "history",
            &format!("{:?}: {:?}", message.mid.map(|mid| mid.get()), message.text),
        );
    }

    // Closing writes the acknowledgements of everything taken so far.
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
