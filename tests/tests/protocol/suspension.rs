//! Suspension of accounts by the operator (wire-protocol 8.3, 11.3).

use std::time::Duration;

use tim_tests::{Client, Encoding, ErrorCode, PacketType, Person, Server, friends, in_both_encodings};

async fn done(server: &Server, arguments: &[&str], person: &Person) {
    let (code, text) = server.account(arguments).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&person.node), "{text}");
}

async fn cannot_log_in(server: &Server, person: &Person, encoding: Encoding) {
    let mut client = Client::connect(server.address(), encoding).await;
    let answer = client.authenticate(&person.credentials()).await;
    answer.refusal(PacketType::Auth, ErrorCode::PermDenied);
}

async fn expect_logout(client: &mut Client) {
    let told = client.expect(PacketType::Ack).await.success(PacketType::Logout);
    assert!(told.ok && told.error.is_none(), "{told:?}");
    assert_eq!(client.expect_close().await, Some(1000));
}

async fn a_suspended_account_is_logged_out_everywhere_and_stays_out(encoding: Encoding) {
    let server = Server::start();
    let (pair, mut a, mut b) = friends(&server, encoding).await;
    let mut web = pair.a.login_on(&server, Encoding::Json, "web").await;
    done(&server, &["suspend", "--name", &pair.a.name], &pair.a).await;
    expect_logout(&mut a).await;
    expect_logout(&mut web).await;
    cannot_log_in(&server, &pair.a, encoding).await;
    // Messages wait for the end of it; nobody else notices anything.
    b.chat(&pair.a.node, "waiting").await;
    server.stop();
    server.run();
    cannot_log_in(&server, &pair.a, encoding).await;
    done(&server, &["allow", "--node", &pair.a.node], &pair.a).await;
    let mut a = pair.a.login(&server, encoding).await;
    assert!(!a.offline().await.concat().is_empty());
}

async fn a_suspension_ends_by_itself(encoding: Encoding) {
    let server = Server::start();
    let person = Person::register(&server).await;
    done(
        &server,
        &["suspend", "--name", &person.name, "--for", "1s"],
        &person,
    )
    .await;
    tim_tests::within("the end of the suspension", async {
        loop {
            let mut client = Client::connect(server.address(), encoding).await;
            if client.authenticate(&person.credentials()).await.ack().ok {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

async fn a_stopped_server_is_not_needed(encoding: Encoding) {
    let server = Server::start();
    let person = Person::register_in(&server, Some("company")).await;
    server.stop();
    let who = ["--name", &person.name, "--domain", "company"];
    done(&server, &[&["suspend"], &who[..]].concat(), &person).await;
    server.run();
    cannot_log_in(&server, &person, encoding).await;
    server.stop();
    done(&server, &[&["allow"], &who[..]].concat(), &person).await;
    server.run();
    person.login(&server, encoding).await;
}

async fn a_login_under_way_does_not_slip_through(encoding: Encoding) {
    let server = Server::start();
    let person = Person::register(&server).await;
    for _ in 0..5 {
        let mut clients = Vec::new();
        for _ in 0..8 {
            let mut client = Client::connect(server.address(), encoding).await;
            client.send(PacketType::Auth, &person.credentials()).await;
            clients.push(client);
        }
        done(&server, &["suspend", "--name", &person.name], &person).await;
        for mut client in clients {
            let answer = client.expect(PacketType::Ack).await.ack();
            if answer.ok {
                // Whoever came in was shown out.
                expect_logout(&mut client).await;
            }
        }
        done(&server, &["allow", "--name", &person.name], &person).await;
    }
}

async fn mistakes_of_the_operator_are_told(encoding: Encoding) {
    let server = Server::start();
    let person = Person::register(&server).await;
    for arguments in [
        &["suspend", "--name", "nobody"][..],
        &["allow", "--name", "nobody"],
        &["suspend", "--node", "no node"],
    ] {
        let (code, text) = server.account(arguments).await;
        assert_eq!(
            (code, text.contains("no such account")),
            (Some(4), true),
            "{text}"
        );
    }
    for arguments in [&["suspend"][..], &["suspend", "--name", "x", "--for", "soon"]] {
        assert_eq!(server.account(arguments).await.0, Some(2));
    }
    person.login(&server, encoding).await;
}

in_both_encodings!(
    a_suspended_account_is_logged_out_everywhere_and_stays_out,
    a_suspension_ends_by_itself,
    a_stopped_server_is_not_needed,
    a_login_under_way_does_not_slip_through,
    mistakes_of_the_operator_are_told,
);
