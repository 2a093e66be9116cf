//! Rooms (wire-protocol 7.10, and 7.6, 7.7, 7.13, 7.14 as far as they are about rooms). Every test runs with
//! everybody in compact, everybody in JSON, and neighbours in different encodings.

mod joining;
mod leaving;
mod messages;
mod offline;
mod recall;
mod refusals;
mod staff;

use tim_tests::rooms::{notice, people, room_operation};
use tim_tests::{Client, Person, Server, secrets};

use crate::mix::Mix;

/// People in an open room that the first of them founded.
async fn open_room<const N: usize>(server: &Server, mix: Mix) -> ([Person; N], [Client; N], String) {
    let (people, mut clients) = people(server, |index| mix.of(index)).await;
    let room = clients[0].create_room(true).await;
    for client in &mut clients[1..] {
        client.join_room(&room).await;
    }
    (people, clients, room)
}

/// People in a private room that the first of them founded and added the others to.
async fn private_room<const N: usize>(server: &Server, mix: Mix) -> ([Person; N], [Client; N], String) {
    let (people, mut clients) = people(server, |index| mix.of(index)).await;
    let room = clients[0].create_room(false).await;
    let [founder, others @ ..] = &mut clients[..] else {
        unreachable!()
    };
    for client in others {
        founder
            .in_room(room_operation::PULL, &room, Some(&client.node))
            .await;
        client.room_notice(notice::PULLED, &room).await;
    }
    (people, clients, room)
}

/// Asks to join a room, with a text that can be recognised.
async fn apply(client: &mut Client, room: &str) {
    let text = secrets::text("let me in");
    client
        .room_request(room_operation::JOIN, room, None, Some(&text))
        .await;
}

fn sorted<const N: usize>(nodes: [&str; N]) -> Vec<String> {
    let mut nodes: Vec<String> = nodes.iter().map(|&node| node.to_owned()).collect();
    nodes.sort_unstable();
    nodes
}
