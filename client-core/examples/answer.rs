//! The example of the README: answers every message. The account must exist (`tim register robot` makes it).

use tim_client::{ClientBuilder, Conversation, Credentials, Event};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = ClientBuilder::new("ws://127.0.0.1:20003")?;
    let robot = Credentials::password("robot", "correct horse battery");
    let client = server.connect(robot).await?;

    // A connection that breaks is repaired: no message is lost, and none comes twice.
    while let Some(event) = client.next_event().await {
        if let Event::Message(message) = event
            && let Conversation::Peer(peer) = &message.conversation
            && !message.outgoing
        {
            client.send_text(peer, "Read, and will answer.").await?;
        }
    }
    Ok(())
}
