//! Stopping while clients are connected.

use std::time::Duration;

use tokio::net::TcpStream;

use super::SECONDS;
use super::script::{options, start};
use super::wire::Client;

#[tokio::test]
async fn running_requests_are_finished_and_answered_before_the_end() {
    let mut running = start(options(), None);
    let mut idle = Client::logged_in(running.address).await;
    let mut busy = Client::logged_in(running.address).await;
    busy.packet(b"H").await;
    while running.note().await != super::script::Note::Received(b"H".as_slice().into()) {}
    let stopping = tokio::spawn(running.gateway.shutdown(SECONDS));
    assert_eq!(
        idle.expect_close().await,
        1001,
        "who has nothing to wait for goes first"
    );
    running.release.open();
    assert_eq!(busy.expect_packet().await, b"released");
    assert_eq!(busy.expect_close().await, 1001);
    drop((idle, busy));
    stopping.await.unwrap();
    assert!(
        TcpStream::connect(running.address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_closed() {
    let mut running = start(options(), None);
    let mut client = Client::logged_in(running.address).await;
    client.packet(b"H").await;
    while running.note().await != super::script::Note::Received(b"H".as_slice().into()) {}
    let stopping = tokio::spawn(running.gateway.shutdown(Duration::from_millis(50)));
    assert_eq!(client.expect_close().await, 1001);
    drop(client);
    stopping.await.unwrap();
    while running.notes.recv().await != Some(super::script::Note::Dropped) {}
}

#[tokio::test]
async fn clients_that_neither_read_nor_close_do_not_hold_up_the_end() {
    let running = start(
        crate::gateway::Options {
            write_timeout: SECONDS,
            handshake_timeout: SECONDS,
            ..options()
        },
        None,
    );
    let mut stuck = Client::logged_in(running.address).await;
    stuck.packet(b"F").await;
    let silent = Client::connect(running.address).await;
    let stopping = running.gateway.shutdown(Duration::from_millis(50));
    tokio::time::timeout(SECONDS, stopping).await.expect("in time");
    drop((stuck, silent));
}
