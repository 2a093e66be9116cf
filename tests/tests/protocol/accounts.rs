//! Registration, password login, password change, domains, limits against guessing, suspension
//! (wire-protocol 7.1, 7.3, 7.11, 11.3).

use tim_protocol::wire::{TimAuth, TimReq};
use tim_tests::chat::message;
use tim_tests::people::{ask, operation};
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, secrets, shared,
};

fn refused(answer: &tim_protocol::wire::TimAck, kind: PacketType, code: ErrorCode) {
    assert!(!answer.ok && answer.tim_type == kind.as_i8(), "{answer:?}");
    assert_eq!(answer.error_code(), Some(code), "{answer:?}");
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Covers: 7.1-1, 7.1-2
async fn registering_gives_a_node_and_a_second_time_4101(encoding: Encoding) {
    let server = shared();
    let auth = TimAuth {
        name: Some(format!("{}-{}", secrets::NAME, secrets::unique())),
        pwd: some(secrets::PASSWORD),
        ..TimAuth::default()
    };
    let answer = ask(&server, PacketType::Register, &auth, encoding).await;
    assert!(answer.ok && answer.tim_type == PacketType::Register.as_i8());
    let node = answer.n.unwrap();
    assert!(node.len() <= 64 && node.is_ascii() && !node.contains('|'));
    assert!(!node.contains(secrets::NAME));
    let again = ask(&server, PacketType::Register, &auth, encoding).await;
    refused(&again, PacketType::Register, ErrorCode::HasExist);
    let other_password = TimAuth {
        pwd: some("another one"),
        ..auth
    };
    let again = ask(&server, PacketType::Register, &other_password, encoding).await;
    refused(&again, PacketType::Register, ErrorCode::HasExist);
}

/// Covers: 7.1-4
async fn empty_or_overlong_names_and_passwords_are_refused(encoding: Encoding) {
    let server = shared();
    let (name, password) = (some("zq7loginname"), some(secrets::PASSWORD));
    let long_name = Some("n".repeat(129));
    let long_password = Some("p".repeat(257));
    for (name, pwd) in [
        (None, password.clone()),
        (some(""), password.clone()),
        (name.clone(), None),
        (name.clone(), some("")),
        (long_name, password),
        (name, long_password),
    ] {
        let auth = TimAuth {
            name,
            pwd,
            ..TimAuth::default()
        };
        let answer = ask(&server, PacketType::Register, &auth, encoding).await;
        refused(&answer, PacketType::Register, ErrorCode::Params);
    }
}

/// Covers: 7.1-6
#[tokio::test]
async fn of_many_registrations_of_one_name_exactly_one_succeeds() {
    let server = shared();
    let auth = TimAuth {
        name: Some(format!("{}-{}", secrets::NAME, secrets::unique())),
        pwd: some(secrets::PASSWORD),
        ..TimAuth::default()
    };
    let all = futures_util::future::join_all(
        (0..8).map(|_| ask(&server, PacketType::Register, &auth, Encoding::Compact)),
    )
    .await;
    assert_eq!(all.iter().filter(|answer| answer.ok).count(), 1);
    for answer in all.iter().filter(|answer| !answer.ok) {
        refused(answer, PacketType::Register, ErrorCode::HasExist);
    }
}

#[tokio::test]
async fn registration_can_be_switched_off() {
    let server = Server::options().set("accounts.registration", "false").start();
    let auth = TimAuth {
        name: some(secrets::NAME),
        pwd: some(secrets::PASSWORD),
        ..TimAuth::default()
    };
    let body = tim_protocol::packet::client_packet(PacketType::Register, Encoding::Compact, &auth);
    let response = tim_tests::http::post(server.address(), "/tim2", &body).await;
    assert_eq!(response.status, 403);
}

/// Covers: 7.3-1, 7.3-2
async fn a_login_is_answered_with_node_server_tag_and_connection_tag(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut first = Client::connect(server.address(), encoding).await;
    let mut second = Client::connect(server.address(), encoding).await;
    let one = first.log_in(&person.on_device("one")).await;
    let two = second.log_in(&person.on_device("two")).await;
    assert_eq!(one.n.as_deref(), Some(person.node.as_str()));
    assert!(i32::try_from(one.t.unwrap()).is_ok());
    assert_eq!(one.t, two.t, "constant per server");
    assert_ne!(one.n2.unwrap(), two.n2.unwrap(), "unique per connection");
}

/// Covers: 7.3-6
async fn wrong_names_passwords_and_missing_fields_are_refused_alike(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let good = person.credentials();
    for auth in [
        TimAuth {
            pwd: some("wrong"),
            ..good.clone()
        },
        TimAuth {
            pwd: some(""),
            ..good.clone()
        },
        TimAuth {
            pwd: None,
            ..good.clone()
        },
        TimAuth {
            name: some("nobody of that name"),
            ..good.clone()
        },
        TimAuth {
            name: some(""),
            ..good.clone()
        },
        TimAuth {
            name: None,
            ..good.clone()
        },
        TimAuth {
            domain: some("elsewhere"),
            ..good.clone()
        },
        TimAuth {
            pwd: Some("x".repeat(10_000)),
            ..good.clone()
        },
        TimAuth::default(),
    ] {
        let mut client = Client::connect(server.address(), encoding).await;
        let answer = client.authenticate(&auth).await;
        answer.refusal(PacketType::Auth, ErrorCode::PermDenied);
    }
}

/// Covers: 7.3-3
async fn the_device_is_shown_to_others(encoding: Encoding) {
    let server = shared();
    let (pair, _a, mut b) = friends(&server, encoding).await;
    let mut a = Client::connect(server.address(), encoding).await;
    let extend = [("theme".to_owned(), "dark".to_owned())];
    let auth = TimAuth {
        termtyp: Some(3),
        extend: Some(extend.clone().into()),
        ..pair.a.on_device("laptop")
    };
    a.log_in(&auth).await;
    a.chat(&pair.b.node, "from the laptop").await;
    let from = b.delivery().await.from_tid.unwrap();
    assert_eq!(from.resource.as_deref(), Some("laptop"));
    assert_eq!((from.termtyp, from.extend), (Some(3), Some(extend.into())));
}

/// Covers: 7.1-5, 7.6-31
async fn domains_are_worlds_of_their_own(encoding: Encoding) {
    let server = shared();
    let here = Person::register(&server).await;
    let there = Person::register_in(&server, Some("there")).await;
    let mut a = here.login(&server, encoding).await;
    let mut b = there.login(&server, encoding).await;
    a.refused(operation::ADD, Some(&there.node), Some(""), ErrorCode::Account)
        .await;
    b.refused(operation::ADD, Some(&here.node), Some(""), ErrorCode::Account)
        .await;
    a.refused_message(&message(&there.node, "hello"), ErrorCode::Account)
        .await;
    // The same name in two domains is two accounts; an empty domain is none.
    let same_name = TimAuth {
        domain: some("there"),
        ..here.credentials()
    };
    let other = ask(&server, PacketType::Register, &same_name, encoding).await;
    assert!(other.ok && other.n.unwrap() != here.node);
    let empty = TimAuth {
        domain: some(""),
        ..here.credentials()
    };
    let mut client = Client::connect(server.address(), encoding).await;
    assert_eq!(client.log_in(&empty).await.n, Some(here.node));
}

async fn friends_of_a_domain_see_it_in_messages(encoding: Encoding) {
    let server = shared();
    let pair = [
        Person::register_in(&server, Some("work")).await,
        Person::register_in(&server, Some("work")).await,
    ];
    let mut a = pair[0].login(&server, encoding).await;
    let mut b = pair[1].login(&server, encoding).await;
    tim_tests::people::befriend(&mut a, &mut b).await;
    let mut forged = message(&pair[1].node, "hello");
    forged.to_tid.as_mut().unwrap().domain = some("forged");
    a.send_message(&forged).await;
    let delivered = b.delivery().await;
    assert_eq!(delivered.to_tid.unwrap().domain.as_deref(), Some("work"));
    assert_eq!(delivered.from_tid.unwrap().domain.as_deref(), Some("work"));
}

/// Covers: 7.11-1, 7.11-2, 7.11-3
async fn a_password_change_needs_the_old_password_and_both_fields(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, encoding).await;
    let new = format!("{}-new", secrets::PASSWORD);
    let change = |old: Option<&str>, new: Option<&str>| TimReq {
        rtype: Some(operation::PASSWORD),
        req_str: old.map(str::to_owned),
        req_str2: new.map(str::to_owned),
        ..TimReq::default()
    };
    for request in [
        change(Some("wrong"), Some(&new)),
        change(None, Some(&new)),
        change(Some(&person.password), None),
        change(Some(&person.password), Some("")),
        change(Some(&person.password), Some(&"x".repeat(257))),
    ] {
        client.send(PacketType::Business, &request).await;
        let answer = client.expect(PacketType::Ack).await;
        let ack = answer.refusal(PacketType::Business, ErrorCode::ModifyAuth);
        assert_eq!(ack.t, Some(21));
    }
    client.expect_silence().await;
    client
        .send(PacketType::Business, &change(Some(&person.password), Some(&new)))
        .await;
    let answer = client.expect(PacketType::Ack).await.success(PacketType::Business);
    assert_eq!((answer.t, answer.n), (Some(21), None));
    // Sessions stay open; the old password is void, the new one counts.
    client.expect_silence().await;
    let mut again = Client::connect(server.address(), encoding).await;
    let answer = again.authenticate(&person.credentials()).await;
    answer.refusal(PacketType::Auth, ErrorCode::PermDenied);
    let changed = TimAuth {
        pwd: Some(new),
        ..person.credentials()
    };
    again.log_in(&changed).await;
}

/// Covers: 7.11-4
async fn a_changed_password_survives_kill_9(encoding: Encoding) {
    let server = Server::start();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, encoding).await;
    let new = format!("{}-new", secrets::PASSWORD);
    let request = TimReq {
        rtype: Some(operation::PASSWORD),
        req_str: Some(person.password.clone()),
        req_str2: Some(new.clone()),
        ..TimReq::default()
    };
    client.send(PacketType::Business, &request).await;
    client.expect(PacketType::Ack).await.success(PacketType::Business);
    server.kill();
    server.run();
    let mut client = Client::connect(server.address(), encoding).await;
    let changed = TimAuth {
        pwd: Some(new),
        ..person.credentials()
    };
    assert_eq!(client.log_in(&changed).await.n, Some(person.node));
}

/// Covers: 11.3-10
#[tokio::test]
async fn guessing_a_password_is_slowed_down_per_account() {
    let server = Server::options().set("limits.failures_per_account", "3").start();
    let victim = Person::register(&server).await;
    let bystander = Person::register(&server).await;
    let wrong = TimAuth {
        pwd: some("guess"),
        ..victim.credentials()
    };
    let mut client = Client::connect(server.address(), Encoding::Compact).await;
    for _ in 0..3 {
        let answer = client.authenticate(&wrong).await;
        answer.refusal(PacketType::Auth, ErrorCode::PermDenied);
    }
    for auth in [&wrong, &victim.credentials()] {
        let answer = client.authenticate(auth).await;
        answer.refusal(PacketType::Auth, ErrorCode::OverHz);
    }
    let token = ask(
        &server,
        PacketType::Token,
        &victim.credentials(),
        Encoding::Compact,
    )
    .await;
    refused(&token, PacketType::Token, ErrorCode::OverHz);
    bystander.login(&server, Encoding::Compact).await;
}

/// Covers: 11.3-10
#[tokio::test]
async fn guessing_is_slowed_down_per_address_and_registering_too() {
    let server = Server::options()
        .set("limits.failures_per_address", "4")
        .set("limits.registrations_per_address", "3")
        .start();
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(Person::register(&server).await);
    }
    let one_more = TimAuth {
        name: some("one more"),
        pwd: some(secrets::PASSWORD),
        ..TimAuth::default()
    };
    let answer = ask(&server, PacketType::Register, &one_more, Encoding::Compact).await;
    refused(&answer, PacketType::Register, ErrorCode::OverHz);
    let mut codes = Vec::new();
    for attempt in 0..6 {
        let auth = TimAuth {
            name: Some(format!("nobody-{attempt}")),
            pwd: some("guess"),
            ..TimAuth::default()
        };
        let mut client = Client::connect(server.address(), Encoding::Compact).await;
        codes.push(client.authenticate(&auth).await.ack().error_code().unwrap());
    }
    assert_eq!(codes[..4], [ErrorCode::PermDenied; 4]);
    assert_eq!(codes[4..], [ErrorCode::OverHz; 2]);
}

#[tokio::test]
async fn changing_the_password_is_no_way_around_the_limit_on_guessing() {
    let server = Server::options().set("limits.failures_per_account", "3").start();
    let person = Person::register(&server).await;
    let mut client = person.login(&server, Encoding::Compact).await;
    let guess = TimReq {
        rtype: Some(operation::PASSWORD),
        req_str: some("guess"),
        req_str2: some("new"),
        ..TimReq::default()
    };
    for _ in 0..4 {
        client.send(PacketType::Business, &guess).await;
        client.expect(PacketType::Ack).await.ack();
    }
    let right = TimReq {
        req_str: Some(person.password.clone()),
        ..guess
    };
    client.send(PacketType::Business, &right).await;
    let answer = client.expect(PacketType::Ack).await.ack();
    assert!(!answer.ok, "the limit holds: {answer:?}");
}

/// Covers: 7.3-8, 11.3-11
#[tokio::test]
async fn a_suspended_account_cannot_log_in_by_password_or_token() {
    let server = Server::start();
    let person = Person::register(&server).await;
    server.stop();
    suspend(&server, &person, i64::MAX);
    server.run();
    let mut client = Client::connect(server.address(), Encoding::Compact).await;
    let answer = client.authenticate(&person.credentials()).await;
    answer.refusal(PacketType::Auth, ErrorCode::PermDenied);
    let token = ask(
        &server,
        PacketType::Token,
        &person.credentials(),
        Encoding::Compact,
    )
    .await;
    if let Some(token) = token.n.filter(|_| token.ok) {
        server.keep_secret(&token);
        let auth = TimAuth {
            token: Some(token),
            ..TimAuth::default()
        };
        let answer = client.authenticate(&auth).await;
        answer.refusal(PacketType::Auth, ErrorCode::PermDenied);
    }
    server.stop();
    suspend(&server, &person, 1);
    server.run();
    person.login(&server, Encoding::Compact).await;
}

/// What an administrator does, on the database of a stopped server.
fn suspend(server: &Server, person: &Person, until: i64) {
    let database = rusqlite::Connection::open(server.data().join("tim.db")).unwrap();
    let changed = database
        .execute(
            "UPDATE account SET suspended_until = ?1 WHERE id = ?2",
            (until, &person.node),
        )
        .unwrap();
    assert_eq!(changed, 1);
}

in_both_encodings!(
    registering_gives_a_node_and_a_second_time_4101,
    empty_or_overlong_names_and_passwords_are_refused,
    a_login_is_answered_with_node_server_tag_and_connection_tag,
    wrong_names_passwords_and_missing_fields_are_refused_alike,
    the_device_is_shown_to_others,
    domains_are_worlds_of_their_own,
    friends_of_a_domain_see_it_in_messages,
    a_password_change_needs_the_old_password_and_both_fields,
    a_changed_password_survives_kill_9,
);
