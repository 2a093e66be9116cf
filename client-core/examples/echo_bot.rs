//! A bot that accepts every request for friendship and sends every text back.
//!
//! `cargo run -p tim-client --example echo_bot -- ws://127.0.0.1:20003 NAME PASSWORD`. The account must exist
//! (`tim register NAME` makes it). Ctrl-C ends it.

use tim_client::{Acknowledge, ClientBuilder, Conversation, Credentials, Event, NoticeKind};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(name), Some(password)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: echo_bot SERVER NAME PASSWORD".into());
    };
    let client = ClientBuilder::new(&address)?
        // The server keeps a place in the inbox for this name.
        .resource("echo-bot")
        // Acknowledge a message when it has been answered, so that none goes unanswered after a crash.
        .acknowledge(Acknowledge::WhenNextIsTaken)
        .connect(Credentials::password(name, password))
        .await?;
    say(&format!("my node is {}", client.node()));

    while let Some(event) = client.next_event().await {
        match event {
            Event::Notice(notice) if notice.kind == NoticeKind::FriendRequest => {
                if let Some(from) = notice.from {
                    // The request may have been withdrawn meanwhile.
                    if let Err(error) = client.accept_friend(&from).await {
                        say(&format!("{from} could not be accepted: {error}"));
                    }
                }
            }
            Event::Message(message) if !message.outgoing => {
                let (Conversation::Peer(peer), Some(text)) = (&message.conversation, &message.text) else {
                    continue;
                };
                if let Err(error) = client.send_text(peer, format!("You said: {text}")).await {
                    say(&format!("{peer} could not be answered: {error}"));
                }
            }
            Event::LoggedOut { reason } => say(&format!("logged out: {reason:?}")),
            // Lost connections are repaired without our help.
            _ => {}
        }
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "an example for the terminal")]
fn say(text: &str) {
    println!("{text}");
}
