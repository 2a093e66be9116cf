//! The `tim` program against a scripted server: what scripts see of it.
#![allow(
    clippy::unwrap_used,
    reason = "test code: a failed expectation is a failed test"
)]

mod scripted;

use std::path::Path;
use std::process::{Output, Stdio};

use scripted::{Server, friend, message, own_node, soon};
use serde_json::Value;
use tim_client::{Encoding, ErrorCode};
use tim_protocol::packet::{self, PacketType};
use tim_protocol::wire::{Tid, TimAck, TimMessage, TimNodes, TimPresence, TimReq};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

fn tim(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tim"));
    for (name, _) in std::env::vars() {
        if name.starts_with("TIM_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .env("TIM_HOME", home)
        .env("TIM_PASSWORD", "secret")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn output(command: &mut Command) -> Output {
    soon(command.output()).await.unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Registers alice and remembers her.
async fn register(server: &Server, home: &Path) {
    let ack = TimAck {
        n: Some(own_node().to_string()),
        ..TimAck::success(PacketType::Register.as_i8())
    };
    let answer = packet::server_packet(PacketType::Ack, Encoding::Compact, &ack);
    let address = server.address();
    let mut register = tim(home, &["register", "alice", "--server", &address]);
    let (output, _) = tokio::join!(output(&mut register), server.answer_http("200 OK", &answer));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output).trim(), own_node().as_str());
}

#[tokio::test]
async fn an_account_is_remembered_without_its_password() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    register(&server, home.path()).await;
    let identity = output(&mut tim(home.path(), &["whoami", "--json"])).await;
    let identity: Value = serde_json::from_slice(&identity.stdout).unwrap();
    assert_eq!(identity["name"], "alice");
    assert_eq!(identity["node"], own_node().as_str());
    let profile = std::fs::read_to_string(home.path().join("profiles/alice.toml")).unwrap();
    assert!(!profile.contains("secret"), "{profile}");
}

#[tokio::test]
async fn exit_codes_tell_what_went_wrong() {
    let home = tempfile::tempdir().unwrap();
    let unknown = output(&mut tim(home.path(), &["friends"])).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("which account"), "{}", stderr(&unknown));
    assert_eq!(
        output(&mut tim(home.path(), &["nonsense"])).await.status.code(),
        Some(2)
    );

    let server = Server::start().await;
    register(&server, home.path()).await;
    let mut friends = tim(home.path(), &["friends"]);
    let script = async {
        let mut peer = server.accept().await;
        peer.expect_kind(PacketType::Auth).await;
        peer.refuse(PacketType::Auth, ErrorCode::PermDenied).await;
        peer.closed().await;
    };
    let (refused, ()) = tokio::join!(output(&mut friends), script);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("permission denied (4105)"),
        "{}",
        stderr(&refused)
    );

    let nobody = output(tim(home.path(), &["friends"]).env_remove("TIM_PASSWORD")).await;
    assert_eq!(nobody.status.code(), Some(2));

    drop(server);
    assert_eq!(
        output(&mut tim(home.path(), &["friends"])).await.status.code(),
        Some(3)
    );
}

#[tokio::test]
async fn listening_acknowledges_what_was_printed() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    register(&server, home.path()).await;
    let mut listen = tim(home.path(), &["listen", "--count", "2"]);
    let script = async {
        let mut peer = server.accept_login().await;
        peer.expect_kind(PacketType::OfflineMsg).await;
        peer.deliver(1, &message(1, "one")).await;
        peer.expect_ack(1).await;
        peer.deliver(2, &message(2, "zwei\n\u{1b}[2J")).await;
        peer.deliver(3, &message(3, "three")).await;
        peer.expect_ack(2).await;
        assert!(
            peer.closed().await,
            "the third was not printed and is not acknowledged"
        );
    };
    let (output, ()) = tokio::join!(output(&mut listen), script);
    assert!(output.status.success(), "{}", stderr(&output));
    let lines: Vec<Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["peer"], friend().as_str());
    assert_eq!(lines[1]["text"], "zwei\n\u{1b}[2J");
    assert!(!stdout(&output).contains('\u{1b}'));
}

#[tokio::test]
async fn listening_for_too_long_is_told_by_the_exit_code() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    register(&server, home.path()).await;
    let mut listen = tim(home.path(), &["listen", "--count", "1", "--timeout", "0.05"]);
    let (output, _peer) = tokio::join!(output(&mut listen), server.accept_login());
    assert_eq!(output.status.code(), Some(4));
}

#[tokio::test]
async fn lines_of_a_pipe_are_sent_one_by_one_and_a_refusal_does_not_stop_the_others() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    register(&server, home.path()).await;
    let to = friend();
    let mut send = tim(home.path(), &["send", to.as_str(), "--lines", "--json"]);
    let mut child = send.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let script = async {
        input.write_all(b"one\n\nbad\r\nthree").await.unwrap();
        drop(input);
        let mut peer = server.accept_login().await;
        for (mid, expected) in [(1, "one"), (0, "bad"), (2, "three")] {
            let message: TimMessage = peer.expect(PacketType::Message).await;
            assert_eq!(message.data_string.as_deref(), Some(expected));
            if mid > 0 {
                peer.echo(message, mid).await;
            } else {
                peer.refuse(PacketType::Message, ErrorCode::PermDenied).await;
            }
        }
        peer.closed().await;
    };
    let (output, ()) = tokio::join!(soon(child.wait_with_output()), script);
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let mids: Vec<i64> = stdout(&output)
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["mid"]
                .as_i64()
                .unwrap()
        })
        .collect();
    assert_eq!(mids, [1, 2]);
}

#[tokio::test]
async fn an_alias_stands_for_its_node() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    register(&server, home.path()).await;
    let to = friend();
    let set = output(&mut tim(
        home.path(),
        &["-n", "alice", "alias", "bob", to.as_str()],
    ))
    .await;
    assert!(set.status.success(), "{}", stderr(&set));
    let mut send = tim(home.path(), &["send", "bob", "hello", "bob"]);
    let script = async {
        let mut peer = server.accept_login().await;
        let message: TimMessage = peer.expect(PacketType::Message).await;
        assert_eq!(message.to_tid.as_ref().unwrap().node, to.as_str());
        assert_eq!(message.data_string.as_deref(), Some("hello bob"));
        peer.echo(message, 1).await;
        peer.closed().await;
    };
    let (sent, ()) = tokio::join!(output(&mut send), script);
    assert!(sent.status.success(), "{}", stderr(&sent));
    let gone = output(&mut tim(home.path(), &["alias", "bob", "--remove"])).await;
    assert!(gone.status.success());
    assert_eq!(
        output(&mut tim(home.path(), &["alias", "bob"]))
            .await
            .status
            .code(),
        Some(2)
    );
}

#[tokio::test]
async fn a_piped_chat_sends_its_lines_and_shows_what_arrives() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    register(&server, home.path()).await;
    let to = friend();
    let mut chat = tim(home.path(), &["chat", to.as_str(), "--history", "0"]);
    let mut child = chat.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let script = async {
        let mut peer = server.accept_login().await;
        peer.expect_kind(PacketType::OfflineMsg).await;
        peer.deliver(1, &message(1, "hi\u{7}")).await;
        peer.expect_ack(1).await;
        input.write_all(b"hello\n").await.unwrap();
        let sent: TimMessage = peer.expect(PacketType::Message).await;
        peer.echo(sent, 2).await;
        input.write_all(b"/quit\n").await.unwrap();
        peer.closed().await;
    };
    let (output, ()) = tokio::join!(soon(child.wait_with_output()), script);
    let output = output.unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("#1") && stdout(&output).contains("hi\\u{7}"),
        "{}",
        stdout(&output)
    );
}

fn room() -> tim_client::RoomId {
    tim_protocol::node::wide_node_from_random([3; 15]).into()
}

fn address(node: &str) -> Tid {
    Tid {
        node: node.to_owned(),
        ..Tid::default()
    }
}

#[tokio::test]
async fn a_chat_goes_on_in_a_room_and_its_commands_reach_the_server() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    register(&server, home.path()).await;
    let to = friend();
    let mut chat = tim(home.path(), &["chat", to.as_str(), "--history", "0"]);
    let mut child = chat.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let script = async {
        let mut peer = server.accept_login().await;
        peer.expect_kind(PacketType::OfflineMsg).await;
        input.write_all(b"/leave\n/create --open Lunch\n").await.unwrap();
        let create: TimReq = peer.expect(PacketType::Business).await;
        assert_eq!(
            (create.rtype, create.node.as_deref(), create.req_int),
            (Some(8), Some("Lunch"), Some(2))
        );
        let created = TimAck {
            t: Some(8),
            n: Some(room().to_string()),
            ..TimAck::success(PacketType::Business.as_i8())
        };
        peer.send(PacketType::Ack, &created).await;
        input.write_all(b"hello room\n").await.unwrap();
        let sent: TimMessage = peer.expect(PacketType::Message).await;
        assert_eq!(sent.room_tid.as_ref().unwrap().node, room().as_str());
        peer.echo(sent, 1).await;
        input
            .write_all(format!("/invite {to}\n").as_bytes())
            .await
            .unwrap();
        let invite: TimReq = peer.expect(PacketType::Business).await;
        assert_eq!(
            (invite.rtype, invite.node2.as_deref()),
            (Some(12), Some(to.as_str()))
        );
        let refused = TimAck {
            t: Some(12),
            n: Some(room().to_string()),
            n2: Some(to.to_string()),
            ..TimAck::refusal(PacketType::Business.as_i8(), ErrorCode::HasExist)
        };
        peer.send(PacketType::Ack, &refused).await;
        input
            .write_all(format!("/to {to}\nback\n/quit\n").as_bytes())
            .await
            .unwrap();
        let sent: TimMessage = peer.expect(PacketType::Message).await;
        assert_eq!(sent.to_tid.as_ref().unwrap().node, to.as_str());
        peer.echo(sent, 1).await;
        peer.closed().await;
    };
    let (output, ()) = tokio::join!(soon(child.wait_with_output()), script);
    let output = output.unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let shown = stdout(&output);
    for expected in ["that is for rooms", room().as_str(), "has exist (4101)"] {
        assert!(shown.contains(expected), "{expected} is not in {shown}");
    }
}

#[tokio::test]
async fn a_status_is_told_to_friends_and_to_who_asks() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    register(&server, home.path()).await;
    let to = friend();
    let mut chat = tim(home.path(), &["chat", to.as_str(), "--history", "0"]);
    let mut child = chat.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let script = async {
        let mut peer = server.accept_login().await;
        peer.expect_kind(PacketType::OfflineMsg).await;
        input.write_all(b"/presence at lunch\n").await.unwrap();
        let told: TimPresence = peer.expect(PacketType::BroadPresence).await;
        assert_eq!(told.status.as_deref(), Some("at lunch"));
        peer.expect_kind(PacketType::Auth).await;
        peer.send(PacketType::Ack, &TimAck::success(PacketType::Auth.as_i8()))
            .await;
        let question = TimPresence {
            sub_status: Some(1),
            from_tid: Some(address(to.as_str())),
            to_tid: Some(address(own_node().as_str())),
            status: Some("reading\u{7}".into()),
            ..TimPresence::default()
        };
        peer.send(PacketType::Presence, &question).await;
        let answer: TimPresence = peer.expect(PacketType::Presence).await;
        assert_eq!(answer.to_tid.unwrap().node, to.as_str());
        assert_eq!(
            (answer.sub_status, answer.status.as_deref()),
            (Some(2), Some("at lunch"))
        );
        input.write_all(b"/who\n").await.unwrap();
        peer.expect_kind(PacketType::Business).await;
        peer.expect_kind(PacketType::Auth).await;
        let friends = TimNodes {
            ntype: 1,
            nodelist: Some(vec![to.to_string()]),
            ..TimNodes::default()
        };
        peer.send(PacketType::Nodes, &friends).await;
        peer.send(PacketType::Ack, &TimAck::success(PacketType::Auth.as_i8()))
            .await;
        let question: TimPresence = peer.expect(PacketType::Presence).await;
        assert_eq!((question.sub_status, question.status), (Some(1), None));
        peer.expect_kind(PacketType::Auth).await;
        peer.send(PacketType::Ack, &TimAck::success(PacketType::Auth.as_i8()))
            .await;
        input.write_all(b"/quit\n").await.unwrap();
        peer.closed().await;
    };
    let (output, ()) = tokio::join!(soon(child.wait_with_output()), script);
    let output = output.unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("is here: reading\\u{7}"),
        "{}",
        stdout(&output)
    );
}

#[tokio::test]
async fn scripts_send_to_rooms_and_see_rooms_news_and_presence_as_json() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start().await;
    register(&server, home.path()).await;
    let id = room().to_string();
    let mut send = tim(home.path(), &["send", "--room", &id, "hello", "all"]);
    let script = async {
        let mut peer = server.accept_login().await;
        let sent: TimMessage = peer.expect(PacketType::Message).await;
        assert_eq!(
            (sent.ms_type, sent.data_string.as_deref()),
            (3, Some("hello all"))
        );
        assert_eq!(sent.room_tid.as_ref().unwrap().node, id);
        peer.echo(sent, 1).await;
        peer.closed().await;
    };
    let (sent, ()) = tokio::join!(output(&mut send), script);
    assert!(sent.status.success(), "{}", stderr(&sent));

    let mut listen = tim(home.path(), &["listen", "--count", "1", "--presence"]);
    let script = async {
        let mut peer = server.accept_login().await;
        peer.expect_kind(PacketType::OfflineMsg).await;
        let here = TimPresence {
            show: Some(2),
            from_tid: Some(address(friend().as_str())),
            ..TimPresence::default()
        };
        peer.send(PacketType::Presence, &here).await;
        let added = TimMessage {
            od_type: 4,
            bn_type: Some(12),
            mid: None,
            room_tid: Some(address(&id)),
            data_string: None,
            ..message(9, "")
        };
        peer.deliver(1, &added).await;
        let in_room = TimMessage {
            ms_type: 3,
            to_tid: None,
            room_tid: Some(address(&id)),
            ..message(1, "hi")
        };
        peer.deliver(2, &in_room).await;
        peer.expect_ack(1).await;
        peer.expect_ack(2).await;
        peer.closed().await;
    };
    let (listened, ()) = tokio::join!(output(&mut listen), script);
    assert!(listened.status.success(), "{}", stderr(&listened));
    let lines: Vec<Value> = stdout(&listened)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[0]["event"], &lines[0]["show"]),
        (&Value::from("presence"), &Value::from(2))
    );
    assert_eq!(
        (&lines[1]["kind"], &lines[1]["room"]),
        (&Value::from("room_added"), &Value::from(&id[..]))
    );
    assert_eq!(
        (&lines[2]["room"], &lines[2]["text"]),
        (&Value::from(&id[..]), &Value::from("hi"))
    );
}
