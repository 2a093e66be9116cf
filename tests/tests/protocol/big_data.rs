//! Big strings and big binaries (wire-protocol 7.9, 11.1 notes 3 and 4).

use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, secrets, shared,
};

const TEXT: u8 = 95;
const BINARY: u8 = 96;

fn separator(kind: u8) -> u8 {
    if kind == TEXT { b'|' } else { 0x83 }
}

fn packet(kind: u8, node: &str, data: &[u8]) -> Vec<u8> {
    let body = [node.as_bytes(), &[separator(kind)], data].concat();
    let length = u32::try_from(5 + body.len()).unwrap();
    [&[kind], &length.to_be_bytes()[..], &body].concat()
}

async fn expect_big(client: &mut Client, kind: u8, from: &str, data: &[u8]) {
    let received = client.take(PacketType::from_u8(kind).unwrap()).await;
    assert_eq!(received.send_id, None);
    let expected = [from.as_bytes(), &[separator(kind)], data].concat();
    assert!(received.payload == expected, "{} bytes", received.payload.len());
}

async fn refused(client: &mut Client, kind: PacketType, code: ErrorCode) {
    client.expect(PacketType::Ack).await.refusal(kind, code);
}

/// Covers: 7.9-1, 7.9-2, 7.9-3, 7.9-14, 5.4-5
async fn big_data_arrives_with_its_sender_whatever_it_contains(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let text = secrets::text("big");
    for (kind, data) in [
        (TEXT, text.as_bytes()),
        (BINARY, &[0x83, b'|', 0, 0x83, 255][..]),
        (BINARY, &[][..]),
    ] {
        // Bit 7 of the type is ignored.
        for flag in [0, 0x80] {
            let mut sent = packet(kind, &pair.b.node, data);
            sent[0] |= flag;
            a.send_raw(sent).await;
            expect_big(&mut b, kind, &pair.a.node, data).await;
        }
    }
    a.expect_silence().await;
}

async fn big_data_may_be_larger_than_other_packets(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let data = vec![7; 5 << 20];
    a.send_raw(packet(BINARY, &pair.b.node, &data)).await;
    expect_big(&mut b, BINARY, &pair.a.node, &data).await;
    a.send_in_fragments(&packet(TEXT, &pair.b.node, &data), 7).await;
    expect_big(&mut b, TEXT, &pair.a.node, &data).await;
    // Nothing else may.
    let mut other = packet(BINARY, &pair.b.node, &data);
    other[0] = 90;
    drop(a.try_send_raw(other).await);
    assert_eq!(a.expect_close().await, Some(1009));
}

/// Covers: 7.9-5
async fn pieces_are_put_together_whatever_they_look_like(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    // A delivery that waits for its acknowledgement meanwhile.
    a.acknowledges = false;
    b.chat(&pair.a.node, "hello").await;
    let waiting = a.take(PacketType::Message).await.send_id.unwrap();
    let ping = [13];
    let ack = [&[12][..], &waiting.to_be_bytes()].concat();
    let data = [&b"start"[..], &ping, &ack, &[95, 0, 0, 0, 1], b"end"].concat();
    let whole = packet(BINARY, &pair.b.node, &data);
    let start = whole.len() - data.len() + 5;
    a.send_raw(whole[..start].to_vec()).await;
    for piece in [&ping[..], &ack, &[95, 0, 0, 0, 1], b"end"] {
        a.send_raw(piece.to_vec()).await;
    }
    expect_big(&mut b, BINARY, &pair.a.node, &data).await;
    // Afterwards everything has its meaning again.
    a.acknowledge(waiting).await;
    a.expect_silence().await;
}

/// Covers: 7.9-6
async fn too_many_bytes_drop_everything_collected(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let whole = packet(TEXT, &pair.b.node, b"0123456789");
    let split = whole.len() - 5;
    a.send_raw(whole[..split].to_vec()).await;
    a.send_raw(b"567890".to_vec()).await;
    refused(&mut a, PacketType::BigBinary, ErrorCode::BigData).await;
    b.expect_silence().await;
    a.send_raw(whole).await;
    expect_big(&mut b, TEXT, &pair.a.node, b"0123456789").await;
}

/// Covers: 7.9-7, 7.9-8, 9-4114
async fn wrong_lengths_are_refused_with_type_96(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for kind in [TEXT, BINARY, 97] {
        let mut short = packet(kind, &pair.b.node, b"data");
        short[1..5].copy_from_slice(&7_u32.to_be_bytes());
        a.send_raw(short).await;
        refused(&mut a, PacketType::BigBinary, ErrorCode::BigData).await;
        let mut negative = packet(kind, &pair.b.node, b"data");
        negative[1..5].copy_from_slice(&(-1_i32).to_be_bytes());
        a.send_raw(negative).await;
        refused(&mut a, PacketType::BigBinary, ErrorCode::BigData).await;
        for length in 1..=5 {
            a.send_raw(packet(kind, "x", b"")[..length].to_vec()).await;
        }
        a.expect_silence().await;
    }
    b.expect_silence().await;
}

/// timgo and atim leave the length out.
/// Covers: 11.1-3
async fn packets_without_a_length_are_understood(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    for kind in [TEXT, BINARY] {
        let with_length = packet(kind, &pair.b.node, b"data");
        let without = [&[kind], &with_length[5..]].concat();
        a.send_raw(without).await;
        expect_big(&mut b, kind, &pair.a.node, b"data").await;
    }
    a.expect_silence().await;
}

/// timjs ends the node of a text with a zero byte.
/// Covers: 11.1-4, W-47
async fn a_zero_byte_ends_the_node_of_a_text(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut sent = packet(TEXT, &pair.b.node, b"da|ta");
    sent[5 + pair.b.node.len()] = 0;
    a.send_raw(sent).await;
    expect_big(&mut b, TEXT, &pair.a.node, b"da|ta").await;
    let mut binary = packet(BINARY, &pair.b.node, b"data");
    binary[5 + pair.b.node.len()] = 0;
    a.send_raw(binary).await;
    refused(&mut a, PacketType::BigBinary, ErrorCode::BigData).await;
}

/// Covers: 7.9-10, 7.9-11, 11.3-2
async fn big_data_needs_the_permission_of_a_message(encoding: Encoding) {
    let server = shared();
    let (_pair, mut a, _b) = friends(&server, encoding).await;
    let stranger = Person::register(&server).await;
    let mut victim = stranger.login(&server, encoding).await;
    let unknown = tim_protocol::node::wide_account_node(&[1; 32], "", "nobody").to_string();
    for (kind, packet_type) in [(TEXT, PacketType::BigString), (BINARY, PacketType::BigBinary)] {
        a.send_raw(packet(kind, &stranger.node, b"spam")).await;
        refused(&mut a, packet_type, ErrorCode::PermDenied).await;
        for node in [unknown.as_str(), "abc", "no node"] {
            a.send_raw(packet(kind, node, b"spam")).await;
            refused(&mut a, packet_type, ErrorCode::Account).await;
        }
    }
    victim.expect_silence().await;
}

/// Covers: 11.3-5
async fn big_data_before_login_ends_the_connection(encoding: Encoding) {
    let server = shared();
    let mut client = Client::connect(server.address(), encoding).await;
    client
        .send_raw(packet(BINARY, "abc", b"data")[..8].to_vec())
        .await;
    assert_eq!(client.expect_close().await, Some(1008));
}

async fn big_data_sent_along_with_the_login_is_put_together(encoding: Encoding) {
    let server = shared();
    let (pair, a, mut b) = friends(&server, encoding).await;
    a.close().await;
    let mut a = Client::connect(server.address(), encoding).await;
    let whole = packet(BINARY, &pair.b.node, b"data");
    a.send(PacketType::Auth, &pair.a.on_device("phone")).await;
    for piece in whole.chunks(9) {
        a.send_raw(piece.to_vec()).await;
    }
    a.expect(PacketType::Ack).await.success(PacketType::Auth);
    expect_big(&mut b, BINARY, &pair.a.node, b"data").await;
    a.expect_silence().await;
}

/// Pieces are content: they must not be read as packets when the whole is refused.
/// Covers: 7.9-12
async fn the_rest_of_a_refused_packet_is_not_read_as_packets(encoding: Encoding) {
    let server = Server::options()
        .set("limits.big_data_bytes", "\"1MiB\"")
        .set("limits.big_data_total_bytes", "\"1MiB\"")
        .start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let smuggled = packet(TEXT, &pair.b.node, b"smuggled");
    let mut start = packet(BINARY, &pair.b.node, b"")[..].to_vec();
    let total = start.len() + (2 << 20) / smuggled.len() * smuggled.len();
    start[1..5].copy_from_slice(&u32::try_from(total).unwrap().to_be_bytes());
    a.send_raw(start.clone()).await;
    refused(&mut a, PacketType::BigBinary, ErrorCode::BigData).await;
    let mut sent = start.len();
    let block = smuggled.repeat(2_000);
    a.send_raw(smuggled.clone()).await;
    sent += smuggled.len();
    while sent < total {
        let piece = &block[..block.len().min(total - sent)];
        a.send_raw(piece.to_vec()).await;
        sent += piece.len();
    }
    a.expect_silence().await;
    b.expect_silence().await;
    a.send_raw(packet(TEXT, &pair.b.node, b"honest")).await;
    expect_big(&mut b, TEXT, &pair.a.node, b"honest").await;
}

/// Covers: 7.9-12, 11.3-5
async fn unfinished_packets_are_limited_over_all_sessions(encoding: Encoding) {
    let server = Server::options()
        .set("limits.big_data_bytes", "\"1MiB\"")
        .set("limits.big_data_total_bytes", "\"1MiB\"")
        .start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let whole = packet(BINARY, &pair.b.node, &vec![1; 1_000_000]);
    let (first, rest) = whole.split_at(900_000);
    a.send_raw(first.to_vec()).await;
    let back = packet(TEXT, &pair.a.node, &vec![2; 1_000_000]);
    // Only once the first one is there for sure.
    let mut calm = pair.a.login_on(&server, encoding, "calm").await;
    tim_tests::within("a refusal", async {
        loop {
            b.send_raw(back[..900_000].to_vec()).await;
            b.send_raw(back[900_000..].to_vec()).await;
            let answer = b.drain().await;
            match &answer[..] {
                [] => {}
                [one] => break drop(one.refusal(PacketType::BigString, ErrorCode::Overload)),
                more => panic!("{more:?}"),
            }
        }
    })
    .await;
    calm.drain().await;
    a.send_raw(rest.to_vec()).await;
    expect_big(&mut b, BINARY, &pair.a.node, &vec![1; 1_000_000]).await;
    b.send_raw(back[..900_000].to_vec()).await;
    b.send_raw(back[900_000..].to_vec()).await;
    expect_big(&mut a, TEXT, &pair.b.node, &vec![2; 1_000_000]).await;
}

/// Covers: 7.9-4
async fn big_data_waits_for_nobody(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, b) = friends(&server, encoding).await;
    b.close().await;
    a.send_raw(packet(TEXT, &pair.b.node, b"gone")).await;
    a.expect_silence().await;
    let mut b = pair.b.login(&server, encoding).await;
    assert_eq!(b.offline().await.concat(), []);
}

in_both_encodings!(
    big_data_waits_for_nobody,
    big_data_arrives_with_its_sender_whatever_it_contains,
    big_data_may_be_larger_than_other_packets,
    pieces_are_put_together_whatever_they_look_like,
    too_many_bytes_drop_everything_collected,
    wrong_lengths_are_refused_with_type_96,
    packets_without_a_length_are_understood,
    a_zero_byte_ends_the_node_of_a_text,
    big_data_needs_the_permission_of_a_message,
    big_data_before_login_ends_the_connection,
    big_data_sent_along_with_the_login_is_put_together,
    the_rest_of_a_refused_packet_is_not_read_as_packets,
    unfinished_packets_are_limited_over_all_sessions,
);
