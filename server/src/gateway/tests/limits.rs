//! Clients that take more than they should.

use super::SECONDS;
use super::script::{Note, options, start};
use super::wire::{Client, PING};
use crate::config::{Network, Value as _};
use crate::gateway::{Options, Pace};

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let running = start(options(), None);
    for beginning in ["", "GET /tim HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let mut client = Client::connect(running.address).await;
        client.send(beginning).await;
        client.expect_end().await;
    }
    // A connection that has had its answer may not wait for ever either.
    let mut client = Client::connect(running.address).await;
    assert_eq!(
        client
            .request("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .status,
        200
    );
    client.expect_end().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_cut_off() {
    let running = start(options(), None);
    let mut client = Client::connect(running.address).await;
    let answer = client
        .request("POST /tim2 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
        .await;
    assert_eq!(answer.status, 408);
    client.expect_end().await;
}

#[tokio::test]
async fn a_transfer_that_stalls_is_cut_off() {
    let running = start(options(), None);
    let head = "POST /swallow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    let mut upload = Client::connect(running.address).await;
    upload.send(head).await;
    upload.send(vec![b'x'; 100]).await;
    upload.expect_end().await;
    let mut download = Client::connect(running.address).await;
    // Nothing of the answer is taken off the socket until the server has given up.
    download.send("GET /pour HTTP/1.1\r\nHost: x\r\n\r\n").await;
    while running.gateway.sockets() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_transfer_that_goes_on_may_take_longer_than_the_head_of_a_request() {
    let pace = Pace {
        window: SECONDS,
        bytes_per_second: 10,
    };
    let running = start(Options { pace, ..options() }, None);
    let (pieces, piece) = (60, vec![b'x'; 1_000]);
    let mut client = Client::connect(running.address).await;
    let length = pieces * piece.len();
    client
        .send(format!(
            "POST /swallow HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        ))
        .await;
    let mut pace = tokio::time::interval(std::time::Duration::from_millis(10));
    for _ in 0..pieces {
        pace.tick().await;
        client.send(&piece).await;
    }
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.body),
        (200, length.to_string().into_bytes())
    );
}

#[tokio::test]
async fn all_sockets_count_whether_logged_in_or_not() {
    let mut running = start(
        Options {
            connections: 2,
            handshake_timeout: SECONDS,
            ..options()
        },
        None,
    );
    let silent = Client::connect(running.address).await;
    let _session = Client::logged_in(running.address).await;
    let mut refused = Client::connect(running.address).await;
    refused.expect_end().await;
    drop(silent);
    // The place is free as soon as the server has noticed.
    loop {
        let mut client = Client::connect(running.address).await;
        client
            .send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await;
        if client.read_more().await {
            break;
        }
    }
    assert!(matches!(running.note().await, Note::Opened(_)));
}

#[tokio::test]
async fn one_address_cannot_take_all_places_without_logging_in() {
    let running = start(
        Options {
            unauthenticated_per_address: 2,
            handshake_timeout: SECONDS,
            ..options()
        },
        None,
    );
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(Client::logged_in(running.address).await);
    }
    let first = Client::websocket(running.address).await;
    let _second = Client::connect(running.address).await;
    let mut refused = Client::connect(running.address).await;
    refused.expect_end().await;
    drop(first);
    loop {
        let mut client = Client::connect(running.address).await;
        client
            .send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await;
        if client.read_more().await {
            break;
        }
    }
}

#[tokio::test]
async fn behind_a_proxy_the_address_of_the_client_counts() {
    let options = Options {
        unauthenticated_per_address: 1,
        trusted_proxies: vec![Network::parse("127.0.0.1").unwrap()],
        ..options()
    };
    let running = start(options, None);
    let request = |client: &str| {
        format!(
            "GET /tim HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n{}\r\n",
            super::wire::UPGRADE
        )
    };
    let mut first = Client::connect(running.address).await;
    assert_eq!(first.request(&request("203.0.113.1")).await.status, 101);
    let mut same = Client::connect(running.address).await;
    assert_eq!(same.request(&request("203.0.113.1")).await.status, 503);
    let mut other = Client::connect(running.address).await;
    assert_eq!(other.request(&request("203.0.113.2")).await.status, 101);
}

#[tokio::test]
async fn a_storm_of_pings_ends_the_connection() {
    let mut running = start(options(), None);
    let mut client = Client::websocket(running.address).await;
    let ping = super::wire::frame(0x80 | PING, b"");
    client.send(ping.repeat(2_000)).await;
    loop {
        let (opcode, payload) = client.next_frame().await.expect("a close frame");
        if opcode == super::wire::CLOSE {
            assert_eq!(u16::from_be_bytes([payload[0], payload[1]]), 1008);
            break;
        }
    }
    running.dropped().await;
}

#[tokio::test]
async fn fragments_without_content_end_the_connection() {
    let running = start(options(), None);
    let mut client = Client::websocket(running.address).await;
    let mut bytes = super::wire::frame(0x02, b"");
    bytes.extend(super::wire::frame(0x00, b"").repeat(2_000));
    client.send(bytes).await;
    assert_eq!(client.expect_close().await, 1008);
}
