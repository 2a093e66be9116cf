//! A device that uses the SDK, which reconnects, repeats and removes duplicates by itself.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tim_client::{Client, ClientBuilder, Credentials, Event, Incoming, Node, Outgoing, Reconnect, Sent};
use tim_tests::secrets;
use tokio::sync::watch;

use crate::device::{Device, Finish, LOOK_AGAIN, Place};
use crate::ledger::{Seen, Sighting};

/// Sends and receives until told to finish, and then until everything has arrived.
pub(crate) async fn run(device: Device, finishing: watch::Receiver<bool>) {
    let client = connect(&device).await;
    let Place::User(peer) = &device.place else {
        panic!("the devices of rooms speak raw packets")
    };
    let peer: Node = peer.parse().unwrap();
    let mut seen = Seen::new(&device.label);
    let mut finish = Finish::new(finishing);
    let mut underway = FuturesUnordered::new();
    let mut next = 1;
    loop {
        let is_finishing = finish.is_announced(|| device.describe_lack(&seen, underway.len()));
        if is_finishing && underway.is_empty() && device.has_everything(&seen) {
            return client.close().await;
        }
        while !is_finishing && underway.len() < device.window {
            let number = next;
            next += 1;
            let words = format!("{} says {number}", device.label);
            device.ledger.submitted(&device.me.node, number, &words);
            let message = Outgoing::text(secrets::text(&words));
            let confirmation = client.submit(&peer, message).await.expect("room for a message");
            underway.push(async move { (number, words, confirmation.await) });
        }
        tokio::select! {
            event = client.next_event() => match event.expect("a session that goes on") {
                Event::Message(message) => {
                    let is_new = seen.delivered(sighting(&message));
                    // An own message whose echo was lost may come back from the queue, which has no ids, before
                    // its repeat is echoed.
                    assert!(is_new || message.outgoing, "{}: the SDK shows {message:?} twice", device.label);
                }
                Event::Connected { .. }
                | Event::Disconnected { .. }
                | Event::OfflineDrained { .. }
                | Event::Notice(_) => {}
                other => panic!("{}: unexpected {other:?}", device.label),
            },
            Some((number, words, outcome)) = underway.next() => {
                let Sent { mid, timestamp, .. } = outcome.expect("a message is sent in the end");
                let echo = Sighting {
                    author: &device.me.node,
                    mid: mid.expect("a number").get(),
                    words: &words,
                };
                device.ledger.acknowledged(number, echo, timestamp.expect("a time").nanos());
                seen.echoed(echo);
            }
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

fn sighting(message: &Incoming) -> Sighting<'_> {
    let text = message.text.as_deref().expect("a text");
    Sighting {
        author: message.from.as_ref().expect("a sender").as_str(),
        mid: message.mid.expect("a number").get(),
        words: text.strip_suffix(secrets::TEXT).expect("the mark").trim_end(),
    }
}

/// The first login may meet a server that is being killed.
async fn connect(device: &Device) -> Client {
    let builder = ClientBuilder::new(&format!("ws://{}", device.server.address()))
        .unwrap()
        .resource(device.resource)
        .encoding(device.encoding)
        .reconnect(Reconnect {
            enabled: true,
            first: Duration::from_millis(10),
            shortest: Duration::from_millis(2),
            longest: Duration::from_millis(50),
        });
    tim_tests::within("the first login", async {
        loop {
            let credentials = Credentials::password(&device.me.name, &device.me.password);
            match builder.connect(credentials).await {
                Ok(client) => return client,
                Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    })
    .await
}
