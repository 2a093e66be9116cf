//! Big strings and big binaries (wire-protocol 7.9, 11.1 rows 3 and 4, 11.3).

use tim_protocol::bigdata::{BigKind, BigPacket};
use tim_protocol::{ErrorCode, Node};
use tim_tests::{Client, Encoding, PacketType, Person, Server, friends, in_both_encodings, shared};

fn big(kind: BigKind, to: &str, data: &[u8]) -> Vec<u8> {
    let packet = BigPacket {
        kind,
        node: Node::new(to).unwrap(),
        data: data.to_vec().into(),
    };
    packet.to_server().unwrap()
}

async fn refused(client: &mut Client, kind: PacketType, code: ErrorCode) {
    client.take(PacketType::Ack).await.refusal(kind, code);
}

async fn texts_and_bytes_reach_a_friend_with_the_sender_in_front(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let long = vec![b'x'; 300_000];
    a.send_raw(big(BigKind::Text, &pair.b.node, &long)).await;
    let got = b.take(PacketType::BigString).await;
    assert_eq!(got.send_id, None);
    assert_eq!(got.payload, [pair.a.node.as_bytes(), b"|", &long].concat());
    // The first separator ends the node, the data may contain more.
    a.send_raw(big(BigKind::Binary, &pair.b.node, &[131, 0, 124, 255]))
        .await;
    let got = b.take(PacketType::BigBinary).await;
    assert_eq!(
        got.payload,
        [pair.a.node.as_bytes(), &[131, 131, 0, 124, 255]].concat()
    );
    a.expect_silence().await;
}

async fn a_packet_may_come_in_pieces_that_look_like_anything(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let data: Vec<u8> = (0..=255).cycle().take(5_000).collect();
    let packet = big(BigKind::Binary, &pair.b.node, &data);
    // The pieces begin with 12, 13 and 90 among others: an ack, a ping, a message.
    for piece in packet.chunks(257) {
        a.send_raw(piece.to_vec()).await;
    }
    let got = b.take(PacketType::BigBinary).await;
    assert_eq!(got.payload, [pair.a.node.as_bytes(), &[131], &data].concat());
    a.expect_silence().await;
    a.chat(&pair.b.node, "and afterwards as before").await;
}

async fn clients_that_omit_the_length_are_understood(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let node = pair.b.node.as_bytes();
    for (packet, kind, separator) in [
        ([&[95], node, b"|data"].concat(), PacketType::BigString, b'|'),
        ([&[95], node, b"\0data"].concat(), PacketType::BigString, b'|'),
        (
            [&[96], node, &[131], b"data"].concat(),
            PacketType::BigBinary,
            131,
        ),
        (
            [&[0x80 | 95], node, b"|data"].concat(),
            PacketType::BigString,
            b'|',
        ),
    ] {
        a.send_raw(packet).await;
        let got = b.take(kind).await;
        assert_eq!(
            got.payload,
            [pair.a.node.as_bytes(), &[separator], b"data"].concat()
        );
    }
    a.chat(&pair.b.node, "nothing was swallowed").await;
}

async fn strangers_and_unknown_targets_are_refused(encoding: Encoding) {
    let server = shared();
    let (_, mut a, _b) = friends(&server, encoding).await;
    let stranger = Person::register(&server).await;
    let mut listener = stranger.login(&server, encoding).await;
    for (kind, packet_type) in [
        (BigKind::Text, PacketType::BigString),
        (BigKind::Binary, PacketType::BigBinary),
    ] {
        a.send_raw(big(kind, &stranger.node, b"data")).await;
        refused(&mut a, packet_type, ErrorCode::PermDenied).await;
        a.send_raw(big(kind, "nobody", b"data")).await;
        refused(&mut a, packet_type, ErrorCode::Account).await;
    }
    listener.expect_silence().await;
}

async fn wrong_lengths_are_refused_with_the_type_of_binaries(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut short = big(BigKind::Text, &pair.b.node, b"data");
    short[4] -= 1;
    a.send_raw(short).await;
    refused(&mut a, PacketType::BigBinary, ErrorCode::BigData).await;
    // Pieces beyond the announced length: all of it is dropped.
    let whole = big(BigKind::Text, &pair.b.node, b"data");
    a.send_raw(whole[..10].to_vec()).await;
    a.send_raw([&whole[10..], b"more"].concat()).await;
    refused(&mut a, PacketType::BigBinary, ErrorCode::BigData).await;
    // Without a separator.
    a.send_raw([&[95, 0, 0, 0, 10], &b"abcde"[..]].concat()).await;
    refused(&mut a, PacketType::BigBinary, ErrorCode::BigData).await;
    // Shorter than a header: ignored.
    for length in 1..6 {
        a.send_raw(vec![96; length]).await;
    }
    a.expect_silence().await;
    b.expect_silence().await;
}

async fn packets_above_the_limit_are_refused_and_thrown_away(encoding: Encoding) {
    let server = Server::options()
        .set("limits.big_data_bytes", "\"16KiB\"")
        .start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let packet = big(BigKind::Binary, &pair.b.node, &vec![90; 40_000]);
    for piece in packet.chunks(10_000) {
        a.send_raw(piece.to_vec()).await;
    }
    refused(&mut a, PacketType::BigBinary, ErrorCode::BigData).await;
    a.expect_silence().await;
    b.expect_silence().await;
    a.chat(&pair.b.node, "the connection goes on").await;
}

async fn all_connections_together_hold_only_so_much(encoding: Encoding) {
    let server = Server::options()
        .set("limits.big_data_bytes", "\"64KiB\"")
        .set("limits.big_data_total_bytes", "\"100KiB\"")
        .start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let packet = big(BigKind::Binary, &pair.b.node, &vec![1; 60_000]);
    let back = big(BigKind::Binary, &pair.a.node, &vec![1; 60_000]);
    a.send_raw(packet[..59_000].to_vec()).await;
    // The piece of A is taken before that of B comes.
    b.chat(&pair.a.node, "first").await;
    a.take(PacketType::Message).await;
    b.send_raw(back[..59_000].to_vec()).await;
    refused(&mut b, PacketType::BigBinary, ErrorCode::Overload).await;
    a.close().await;
    b.send_raw(back[59_000..].to_vec()).await;
    b.expect_silence().await;
}

async fn nothing_waits_for_those_who_are_offline(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    a.send_raw(big(BigKind::Text, &pair.b.node, b"gone")).await;
    a.expect_silence().await;
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(b.offline().await.concat(), []);
}

async fn big_data_before_login_closes_the_connection(encoding: Encoding) {
    let server = shared();
    let mut client = Client::connect(server.address(), encoding).await;
    client.send_raw(big(BigKind::Text, "nobody", b"data")).await;
    client.expect_close().await;
}

in_both_encodings!(
    texts_and_bytes_reach_a_friend_with_the_sender_in_front,
    a_packet_may_come_in_pieces_that_look_like_anything,
    clients_that_omit_the_length_are_understood,
    strangers_and_unknown_targets_are_refused,
    wrong_lengths_are_refused_with_the_type_of_binaries,
    packets_above_the_limit_are_refused_and_thrown_away,
    all_connections_together_hold_only_so_much,
    nothing_waits_for_those_who_are_offline,
    big_data_before_login_closes_the_connection,
);
