//! Login tokens (wire-protocol 7.2, 7.3, 11.1 notes 7, 8 and 10).

use tim_protocol::wire::TimAuth;
use tim_tests::chat::message;
use tim_tests::people::ask;
use tim_tests::{
    Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings, shared,
};

struct Token {
    text: String,
    number: i64,
}

async fn token(server: &Server, person: &Person, encoding: Encoding) -> Token {
    token_with(server, &person.credentials(), encoding).await
}

async fn token_with(server: &Server, auth: &TimAuth, encoding: Encoding) -> Token {
    let answer = ask(server, PacketType::Token, auth, encoding).await;
    assert!(answer.ok && answer.tim_type == PacketType::Token.as_i8());
    let token = Token {
        text: answer.n.unwrap(),
        number: answer.t.unwrap(),
    };
    server.keep_secret(&token.text);
    server.keep_secret(&token.number.to_string());
    token
}

fn with_token(token: &str, auth: TimAuth) -> TimAuth {
    TimAuth {
        token: Some(token.to_owned()),
        ..auth
    }
}

/// Only what the token was made for: no password.
fn named(person: &Person) -> TimAuth {
    TimAuth {
        pwd: None,
        ..person.credentials()
    }
}

async fn refuse(server: &Server, encoding: Encoding, auth: &TimAuth) {
    let mut client = Client::connect(server.address(), encoding).await;
    client
        .authenticate(auth)
        .await
        .refusal(PacketType::Auth, ErrorCode::Token);
}

/// Covers: 7.2-1, 7.2-3, 7.3-4
async fn a_token_logs_in_once(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let token = token(&server, &person, encoding).await;
    let auth = with_token(&token.text, named(&person));
    let mut client = Client::connect(server.address(), encoding).await;
    assert_eq!(
        client.log_in(&auth).await.n.as_deref(),
        Some(person.node.as_str())
    );
    refuse(&server, encoding, &auth).await;
}

/// Covers: 7.2-2
async fn a_wrong_password_gets_no_token(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    for auth in [
        TimAuth {
            pwd: Some("wrong".to_owned()),
            ..person.credentials()
        },
        TimAuth {
            name: Some("nobody of that name".to_owned()),
            ..person.credentials()
        },
        TimAuth::default(),
    ] {
        let answer = ask(&server, PacketType::Token, &auth, encoding).await;
        assert_eq!(answer.error_code(), Some(ErrorCode::NoPass));
    }
}

/// Covers: 11.1-7
async fn the_numeric_form_of_a_token_is_accepted(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let token = token(&server, &person, encoding).await;
    let auth = with_token(&token.number.to_string(), named(&person));
    let mut client = Client::connect(server.address(), encoding).await;
    client.log_in(&auth).await;
    // The same token in its other form is used up as well.
    refuse(&server, encoding, &with_token(&token.text, named(&person))).await;
}

/// Covers: 11.1-8
async fn a_token_without_a_name_is_enough(encoding: Encoding) {
    let server = shared();
    let person = Person::register_in(&server, Some("tenant")).await;
    let token = token(&server, &person, encoding).await;
    // As timjs sends it: empty name and password.
    let auth = TimAuth {
        name: Some(String::new()),
        pwd: Some(String::new()),
        ..with_token(&token.text, TimAuth::default())
    };
    let mut client = Client::connect(server.address(), encoding).await;
    assert_eq!(client.log_in(&auth).await.n, Some(person.node));
}

/// Covers: 7.2-5, 7.3-5
async fn a_token_is_bound_to_its_name_and_domain(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    let other = Person::register(&server).await;
    for auth in [
        named(&other),
        TimAuth {
            domain: Some("elsewhere".to_owned()),
            ..named(&person)
        },
    ] {
        let token = token(&server, &person, encoding).await;
        refuse(&server, encoding, &with_token(&token.text, auth)).await;
        // Whoever tried it has used it up.
        refuse(&server, encoding, &with_token(&token.text, named(&person))).await;
    }
}

/// Covers: 11.1-10, 7.3-5
async fn a_non_empty_token_decides_even_with_the_right_password(encoding: Encoding) {
    let server = shared();
    let person = Person::register(&server).await;
    for junk in [
        "PNkttkWczD5",
        "x",
        "12345678901234567890123",
        "-1",
        &"9".repeat(5_000),
    ] {
        refuse(&server, encoding, &with_token(junk, person.credentials())).await;
    }
    let mut client = Client::connect(server.address(), encoding).await;
    client.log_in(&with_token("", person.credentials())).await;
}

/// Covers: 7.2-6
async fn a_token_carries_its_extend_map_into_the_session(encoding: Encoding) {
    let server = shared();
    let (pair, a, mut b) = friends(&server, encoding).await;
    a.close().await;
    let extend = |value: &str| Some([("from".to_owned(), value.to_owned())].into());
    let auth = TimAuth {
        extend: extend("the token"),
        ..pair.a.credentials()
    };
    let token = token_with(&server, &auth, encoding).await;
    let mut a = Client::connect(server.address(), encoding).await;
    let login = TimAuth {
        extend: extend("the login"),
        ..with_token(&token.text, named(&pair.a))
    };
    a.log_in(&login).await;
    a.send_message(&message(&pair.b.node, "hello")).await;
    assert_eq!(b.delivery().await.from_tid.unwrap().extend, extend("the token"));
}

/// Covers: 7.2-3
#[tokio::test]
async fn of_many_logins_with_one_token_exactly_one_succeeds() {
    let server = shared();
    let person = Person::register(&server).await;
    let token = token(&server, &person, Encoding::Compact).await;
    let auth = with_token(&token.text, named(&person));
    let attempts = (0..8).map(async |_| {
        let mut client = Client::connect(server.address(), Encoding::Compact).await;
        client.authenticate(&auth).await.ack().ok
    });
    let all = futures_util::future::join_all(attempts).await;
    assert_eq!(all.iter().filter(|ok| **ok).count(), 1);
}

/// Covers: 7.2-4
#[tokio::test]
async fn a_token_expires() {
    let server = Server::options()
        .set("accounts.token_lifetime", "\"50ms\"")
        .start();
    let person = Person::register(&server).await;
    let token = token(&server, &person, Encoding::Compact).await;
    // Time passing is what is tested here.
    tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    refuse(
        &server,
        Encoding::Compact,
        &with_token(&token.text, named(&person)),
    )
    .await;
}

#[tokio::test]
async fn a_token_survives_kill_9_and_stays_single_use() {
    let server = Server::options().set("accounts.token_lifetime", "\"5m\"").start();
    let person = Person::register(&server).await;
    let token = token(&server, &person, Encoding::Compact).await;
    server.kill();
    server.run();
    let auth = with_token(&token.text, named(&person));
    let mut client = Client::connect(server.address(), Encoding::Compact).await;
    client.log_in(&auth).await;
    server.kill();
    server.run();
    refuse(&server, Encoding::Compact, &auth).await;
}

in_both_encodings!(
    a_token_logs_in_once,
    a_wrong_password_gets_no_token,
    the_numeric_form_of_a_token_is_accepted,
    a_token_without_a_name_is_enough,
    a_token_is_bound_to_its_name_and_domain,
    a_non_empty_token_decides_even_with_the_right_password,
    a_token_carries_its_extend_map_into_the_session,
);
