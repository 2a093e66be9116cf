//! Peers that are slow, silent, greedy or no WebSocket clients at all.

use std::time::{Duration, Instant};

use tim_protocol::packet;
use tim_tests::chat::{message, words};
use tim_tests::{Client, Encoding, PacketType, Person, Server, friends, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bystanders::Bystanders;

async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    // A reset is an end as well.
    drop(within("the end of the connection", stream.read_to_end(&mut all)).await);
    all
}

#[tokio::test]
async fn handshakes_that_never_end_are_ended_and_disturb_nobody() {
    let server = Server::options()
        .set("listen.handshake_timeout", "\"400ms\"")
        .start();
    let bystanders = Bystanders::start(&server).await;
    let mut slow = Vec::new();
    for number in 0..150 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let beginning = &b"GET /tim HTTP/1.1\r\nHost: x\r\nX-Slow: "[..number % 36];
        stream.write_all(beginning).await.unwrap();
        slow.push(stream);
    }
    let start = Instant::now();
    for stream in &mut slow {
        read_to_end(stream).await;
    }
    assert!(start.elapsed() < Duration::from_secs(10));
    bystanders.were_undisturbed().await;
    Person::register(&server).await;
}

#[tokio::test]
async fn a_header_sent_byte_by_byte_gets_no_more_time() {
    let server = Server::options()
        .set("listen.handshake_timeout", "\"300ms\"")
        .start();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let start = Instant::now();
    let drip = async {
        loop {
            if stream.write_all(b"X").await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within("the end of the drip", drip).await;
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let server = Server::options()
        .set("listen.handshake_timeout", "\"300ms\"")
        .start();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = b"POST /tim2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n\x0e";
    stream.write_all(head).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn something_that_is_not_http_is_closed() {
    let server = Server::start();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\0\0\0\0\0\0\0\0",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        &[b'A'; 100_000],
        b"GET /tim HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        drop(stream.write_all(garbage).await);
        drop(stream.shutdown().await);
        let answer = read_to_end(&mut stream).await;
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{answer:?}"
        );
    }
    Person::register(&server).await;
}

#[tokio::test]
async fn half_a_frame_before_login_is_cut_off_at_the_login_timeout() {
    let server = Server::options().set("limits.login_timeout", "\"300ms\"").start();
    let client = Client::connect(server.address(), Encoding::Compact).await;
    let mut stream = client.into_stream();
    // A masked frame of 1000 bytes, of which 3 arrive.
    stream
        .write_all(&[0x82, 0xfe, 0x03, 0xe8, 1, 2, 3, 4, 16, 0, 0])
        .await
        .unwrap();
    let answer = read_to_end(&mut stream).await;
    assert_eq!(answer[..4], [0x88, answer[1], 0x03, 0xf0], "close frame 1008");
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off_and_loses_nothing() {
    let server = Server::options()
        .set("limits.write_timeout", "\"500ms\"")
        .set("limits.outgoing_bytes", "\"64KiB\"")
        .start();
    let (pair, mut a, b) = friends(&server, Encoding::Compact).await;
    let mut deaf = b.into_stream();
    let long = "deaf ".repeat(20_000);
    let mut sent = 0;
    // More than the socket buffers of both ends hold.
    for _ in 0..150 {
        a.chat(&pair.b.node, &long).await;
        sent += 1;
    }
    let start = Instant::now();
    within("the server to give up", async {
        // Reading would end the test; a write fails once the server has closed.
        while deaf.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(20));
    drop(deaf);
    let mut b = pair.b.login(&server, Encoding::Compact).await;
    assert_eq!(b.offline().await.concat().len(), sent);
}

#[tokio::test]
async fn a_receiver_that_disappears_without_a_word_delays_nobody() {
    let server = Server::start();
    let (pair, mut a, b) = friends(&server, Encoding::Compact).await;
    let mut web = pair.b.login_on(&server, Encoding::Compact, "web").await;
    web.offline().await;
    // The socket stays open and nobody reads it any more.
    let half_open = b.into_stream();
    for number in 0..100 {
        a.chat(&pair.b.node, &format!("number {number}")).await;
        assert_eq!(words(&web.delivery().await), format!("number {number}"));
    }
    drop(half_open);
    let mut b = pair.b.login(&server, Encoding::Compact).await;
    assert_eq!(b.offline().await.concat().len(), 100);
}

#[tokio::test]
async fn thousands_of_connections_that_come_and_go_leave_nothing_behind() {
    let server = Server::start();
    let bystanders = Bystanders::start(&server).await;
    let person = Person::register(&server).await;
    for round in 0..100 {
        let mut group = Vec::new();
        for _ in 0..10 {
            group.push(Client::connect(server.address(), Encoding::Compact).await);
        }
        if round % 10 == 0 {
            person.login(&server, Encoding::Json).await.abandon().await;
        }
        for client in group {
            client.abandon().await;
        }
    }
    bystanders.were_undisturbed().await;
    // All files are closed again, apart from those of the database, the listener and a few to come.
    within("the files to be closed", async {
        let files = format!("/proc/{}/fd", server.id());
        while std::fs::read_dir(&files).unwrap().count() > 60 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_sender_that_reads_no_answers_is_slowed_down_and_disturbs_nobody() {
    let server = Server::options()
        .set("limits.outgoing_bytes", "\"16KiB\"")
        .set("limits.unanswered_sends", "16")
        .start();
    let bystanders = Bystanders::start(&server).await;
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    let flood = packet::client_packet(
        PacketType::Message,
        Encoding::Compact,
        &message(&pair.b.node, &"flood ".repeat(2_000)),
    );
    let mut count = 0;
    // Until the buffers of both ends are full.
    while tokio::time::timeout(Duration::from_millis(500), a.try_send_raw(flood.clone()))
        .await
        .is_ok()
    {
        count += 1;
        assert!(count < 20_000, "nothing slows the sender down");
    }
    bystanders.were_undisturbed().await;
    b.delivery().await;
}
