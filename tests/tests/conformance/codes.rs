//! Every error code a client can see, with its number and its text (wire-protocol 9). `refusal` compares both with
//! the table of the protocol crate, and the numbers stand here once more.

use tim_protocol::wire::{TimAuth, TimReq};
use tim_tests::chat::message;
use tim_tests::people::{ask, operation};
use tim_tests::rooms::room_operation;
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, secrets, shared,
};

/// Takes a refusal and compares it with the number and the text that clients know.
async fn refused(client: &mut Client, kind: PacketType, code: ErrorCode, number: i32, info: &str) {
    let ack = client.take(PacketType::Ack).await.refusal(kind, code);
    let error = ack.error.expect("an error");
    assert_eq!((error.code, error.info.as_deref()), (Some(number), Some(info)));
}

async fn one(encoding: Encoding) -> (Person, Client) {
    let server = shared();
    let person = Person::register(&server).await;
    let client = person.login(&server, encoding).await;
    (person, client)
}

/// Covers: 9-4101
async fn an_account_that_exists_is_4101(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let again = ask(&server, PacketType::Register, &person.credentials(), encoding).await;
    let error = again.error.unwrap();
    assert_eq!(
        (error.code, error.info.as_deref()),
        (Some(4101), Some("has exist"))
    );
    let mut client = person.login(&server, encoding).await;
    let room = client.create_room(true).await;
    client
        .room_request(room_operation::JOIN, &room, None, Some("again"))
        .await;
    refused(
        &mut client,
        PacketType::Business,
        ErrorCode::HasExist,
        4101,
        "has exist",
    )
    .await;
}

/// Covers: 9-4102
async fn a_token_for_a_wrong_password_is_4102(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let auth = TimAuth {
        pwd: Some("wrong".to_owned()),
        ..person.credentials()
    };
    let error = ask(&server, PacketType::Token, &auth, encoding)
        .await
        .error
        .unwrap();
    assert_eq!((error.code, error.info.as_deref()), (Some(4102), Some("no pass")));
}

/// Covers: 9-4104
async fn a_missing_parameter_is_4104(encoding: Encoding) {
    let (_, mut client) = one(encoding).await;
    client.request(operation::ADD, None, None).await;
    let info = "parameter incorrect";
    refused(&mut client, PacketType::Business, ErrorCode::Params, 4104, info).await;
}

/// Covers: 9-4105
async fn a_message_to_a_stranger_is_4105(encoding: Encoding) {
    let (_, mut client) = one(encoding).await;
    let stranger = Person::register(&shared()).await;
    client.send_message(&message(&stranger.node, "hello")).await;
    let info = "permission denied";
    refused(
        &mut client,
        PacketType::Message,
        ErrorCode::PermDenied,
        4105,
        info,
    )
    .await;
}

/// Covers: 9-4106
async fn a_malformed_user_is_4106(encoding: Encoding) {
    let (_, mut client) = one(encoding).await;
    client.send_message(&message("nobody", "hello")).await;
    let info = "account incorrect";
    refused(&mut client, PacketType::Message, ErrorCode::Account, 4106, info).await;
}

/// Covers: 9-4107
async fn an_operation_that_is_managed_elsewhere_is_4107(encoding: Encoding) {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("users.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute_batch("CREATE TABLE users (id TEXT, name TEXT, password TEXT)")
        .unwrap();
    let server = Server::options()
        .set(
            "external.database_url",
            &format!("\"sqlite://{}\"", file.display()),
        )
        .set(
            "external.login_sql",
            "\"SELECT id FROM users WHERE name = ? AND password = ?\"",
        )
        .start();
    let auth = TimAuth {
        name: Some(format!("{}{}", secrets::NAME, secrets::unique())),
        pwd: Some(secrets::PASSWORD.to_owned()),
        ..TimAuth::default()
    };
    let error = ask(&server, PacketType::Register, &auth, encoding)
        .await
        .error
        .unwrap();
    assert_eq!(
        (error.code, error.info.as_deref()),
        (Some(4107), Some("interface incorrect"))
    );
}

/// Covers: 9-4110
async fn somebody_who_blocks_me_is_4110(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    b.manage(operation::BLOCK, &pair.a.node).await;
    a.delivery().await;
    a.add(&pair.b.node).await;
    let info = "blocked object";
    refused(&mut a, PacketType::Business, ErrorCode::Block, 4110, info).await;
}

/// Covers: 9-4111
async fn too_many_devices_are_4111(encoding: Encoding) {
    let server = Server::options().set("accounts.device_limit", "1").start();
    let person = Person::register(&server).await;
    let _first = person.login(&server, encoding).await;
    let mut second = Client::connect(server.address(), encoding).await;
    second.send(PacketType::Auth, &person.on_device("tablet")).await;
    let info = "over entry";
    refused(&mut second, PacketType::Auth, ErrorCode::OverEntry, 4111, info).await;
}

/// Covers: 9-4112
async fn a_password_change_that_fails_is_4112(encoding: Encoding) {
    let (_, mut client) = one(encoding).await;
    let change = TimReq {
        rtype: Some(operation::PASSWORD),
        req_str: Some("wrong".to_owned()),
        req_str2: Some(secrets::PASSWORD.to_owned()),
        ..TimReq::default()
    };
    client.send(PacketType::Business, &change).await;
    let info = "modify password failed";
    refused(
        &mut client,
        PacketType::Business,
        ErrorCode::ModifyAuth,
        4112,
        info,
    )
    .await;
}

/// Covers: 9-4113
async fn a_packet_that_cannot_be_decoded_is_4113(encoding: Encoding) {
    let (_, mut client) = one(encoding).await;
    let broken: &[u8] = match encoding {
        Encoding::Compact => &[90, 0x18, 0xff],
        Encoding::Json => b"\xda{",
    };
    client.send_raw(broken.to_vec()).await;
    let info = "format error";
    refused(&mut client, PacketType::Message, ErrorCode::Format, 4113, info).await;
}

/// Covers: 9-4115
async fn a_token_that_is_not_valid_is_4115(encoding: Encoding) {
    let server = shared();
    let mut client = Client::connect(server.address(), encoding).await;
    let auth = TimAuth {
        token: Some("123456789AB".to_owned()),
        ..TimAuth::default()
    };
    client.send(PacketType::Auth, &auth).await;
    let info = "error token";
    refused(&mut client, PacketType::Auth, ErrorCode::Token, 4115, info).await;
}

/// Covers: 9-4117
async fn becoming_friends_again_is_4117(encoding: Encoding) {
    let server = shared();
    let (pair, mut a, _b) = friends(&server, encoding).await;
    a.add(&pair.b.node).await;
    let info = "error repetitive operation";
    refused(&mut a, PacketType::Business, ErrorCode::Repeat, 4117, info).await;
}

/// Covers: 9-5101
async fn a_virtual_room_that_is_unknown_is_5101(encoding: Encoding) {
    let (person, mut client) = one(encoding).await;
    let subscribe = TimReq {
        rtype: Some(5),
        node: Some(person.node),
        ..TimReq::default()
    };
    client.send(PacketType::VRoom, &subscribe).await;
    let info = "undefined error";
    refused(&mut client, PacketType::VRoom, ErrorCode::Undefined, 5101, info).await;
}

/// Covers: 9-5105
async fn too_many_requests_are_5105(encoding: Encoding) {
    let (_, mut client) = one(encoding).await;
    let stranger = Person::register(&shared()).await;
    let mut answers = Vec::new();
    for _ in 0..30 {
        client.add(&stranger.node).await;
    }
    for received in client.drain().await {
        answers.push(received.refusal(PacketType::Business, ErrorCode::OverHz));
    }
    assert!(!answers.is_empty(), "friendship may not be asked for without end");
    let error = answers[0].error.clone().unwrap();
    assert_eq!(
        (error.code, error.info.as_deref()),
        (Some(5105), Some("freq out of limit"))
    );
}

in_both_encodings!(
    an_account_that_exists_is_4101,
    a_token_for_a_wrong_password_is_4102,
    a_missing_parameter_is_4104,
    a_message_to_a_stranger_is_4105,
    a_malformed_user_is_4106,
    an_operation_that_is_managed_elsewhere_is_4107,
    somebody_who_blocks_me_is_4110,
    too_many_devices_are_4111,
    a_password_change_that_fails_is_4112,
    a_packet_that_cannot_be_decoded_is_4113,
    a_token_that_is_not_valid_is_4115,
    becoming_friends_again_is_4117,
    a_virtual_room_that_is_unknown_is_5101,
    too_many_requests_are_5105,
);
