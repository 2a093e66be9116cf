//! Files of messages: bringing them, who may have them, and when they go.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tim_protocol::wire::TimMessage;
use tim_tests::browser::{Browser, json as body, refused};
use tim_tests::chat::{message, retraction};
use tim_tests::http::Response;
use tim_tests::rooms::{room_message, room_operation};
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Pair, Server, friends, shared};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const FILES: &str = "/client/v1/files";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0 and more of it";

/// Brings a file for a message to `peer`.
async fn bring(browser: &mut Browser, target: &str, kind: &str, content: &[u8]) -> Response {
    let kind = format!("Content-Type: {kind}");
    browser
        .send("POST", &format!("{FILES}?{target}"), &[&kind], content)
        .await
}

/// The id of a file that was taken.
fn id(response: &Response) -> String {
    assert_eq!(response.status, 201, "{response:?}");
    body(response)["file"].as_str().expect("an id").to_owned()
}

/// A message that names a file.
fn naming(mut message: TimMessage, file: &str) -> TimMessage {
    let field = json!({"id": file, "name": "a.png", "size": 5, "type": "image/png"}).to_string();
    message.extend = Some([("tim.file".to_owned(), field)].into());
    message
}

async fn fetch(browser: &mut Browser, file: &str) -> Response {
    browser.get(&format!("{FILES}/{file}")).await
}

/// Two friends with a browser each.
async fn pair(server: &Server) -> (Pair, [Client; 2], [Browser; 2]) {
    let (pair, a, b) = friends(server, Encoding::Compact).await;
    let browsers = [
        Browser::logged_in(server, &pair.a).await,
        Browser::logged_in(server, &pair.b).await,
    ];
    (pair, [a, b], browsers)
}

fn gone(response: &Response) {
    refused(response, 404, 4109);
}

/// All files below a folder.
fn stored(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(stored(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Waits until so many blobs are there.
async fn until_stored(server: &Server, count: usize) {
    let folder = server.data().join("files");
    tim_tests::within("the bytes of files to be removed", async {
        while stored(&folder).len() != count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_goes_to_the_other_side_with_its_message() {
    let server = shared();
    let (people, [mut a, mut b], [mut ann, mut ben]) = pair(&server).await;
    let taken = bring(&mut ann, &format!("peer={}", people.b.node), "image/png", PNG).await;
    let file = id(&taken);
    assert_eq!(body(&taken)["size"], PNG.len());
    assert_eq!(body(&taken)["sha256"].as_str().unwrap().len(), 64);
    let own = fetch(&mut ann, &file).await;
    assert_eq!((own.status, own.body.as_slice()), (200, PNG));
    gone(&fetch(&mut ben, &file).await);
    a.send_message(&naming(message(&people.b.node, "look"), &file))
        .await;
    assert_eq!(a.echo().await.mid, Some(1));
    b.delivery().await;
    for browser in [&mut ann, &mut ben] {
        let got = fetch(browser, &file).await;
        assert_eq!((got.status, got.body.as_slice()), (200, PNG));
    }
}

#[tokio::test]
async fn nobody_else_gets_a_file_whatever_they_do() {
    let server = shared();
    let (people, [mut a, mut b], [mut ann, _]) = pair(&server).await;
    let (others, [mut eve, _friend], [mut eves, _]) = pair(&server).await;
    let target = format!("peer={}", people.b.node);
    let waiting = id(&bring(&mut ann, &target, "image/png", PNG).await);
    let linked = id(&bring(&mut ann, &target, "image/png", PNG).await);
    a.send_message(&naming(message(&people.b.node, "look"), &linked))
        .await;
    a.echo().await;
    b.delivery().await;
    let unknown = format!("AAAA{}", "B".repeat(24));
    for file in [&waiting, &linked, &unknown, "x", "..%2f..%2ftim.db"] {
        gone(&fetch(&mut eves, file).await);
        gone(&eves.delete(&format!("{FILES}/{file}")).await);
        gone(&eves.get(&format!("/client/v1/pictures/{file}")).await);
    }
    // Naming it in a message of one's own connects nothing.
    for file in [&waiting, &linked, &unknown] {
        let theft = naming(message(&others.b.node, "mine"), file);
        eve.refused_message(&theft, ErrorCode::NoExist).await;
        gone(&fetch(&mut eves, file).await);
    }
    // Not even the receiver can, nor the uploader elsewhere or a second time.
    let by_receiver = naming(message(&people.a.node, "mine"), &waiting);
    b.refused_message(&by_receiver, ErrorCode::NoExist).await;
    let again = naming(message(&people.b.node, "again"), &linked);
    a.refused_message(&again, ErrorCode::NoExist).await;
    let mut malformed = message(&people.b.node, "what");
    malformed.extend = Some([("tim.file".to_owned(), "{}".to_owned())].into());
    a.refused_message(&malformed, ErrorCode::Params).await;
    let mut nobody = Browser::new(&server);
    refused(&fetch(&mut nobody, &linked).await, 401, 4115);
    let strangers = bring(&mut eves, &target, "image/png", PNG).await;
    refused(&strangers, 403, 4105);
    refused(
        &bring(&mut eves, "peer=nobody", "image/png", PNG).await,
        404,
        4106,
    );
    refused(&bring(&mut eves, "", "image/png", PNG).await, 400, 4104);
}

#[tokio::test]
async fn recall_and_burn_delete_the_file() {
    let server = Server::start();
    let (people, [mut a, mut b], [mut ann, mut ben]) = pair(&server).await;
    let target = format!("peer={}", people.b.node);
    for (od_type, kind) in [(2, PacketType::RevokeMessage), (3, PacketType::BurnMessage)] {
        let file = id(&bring(&mut ann, &target, "image/png", PNG).await);
        a.send_message(&naming(message(&people.b.node, "look"), &file))
            .await;
        let mid = a.echo().await.mid.unwrap();
        b.delivery().await;
        assert_eq!(fetch(&mut ben, &file).await.status, 200);
        let in_use = ann.delete(&format!("{FILES}/{file}")).await;
        refused(&in_use, 409, 4101);
        let (who, to) = if od_type == 2 {
            (&mut a, &people.b.node)
        } else {
            (&mut b, &people.a.node)
        };
        who.send(kind, &retraction(od_type, to, mid)).await;
        who.take(PacketType::Message).await;
        gone(&fetch(&mut ann, &file).await);
        gone(&fetch(&mut ben, &file).await);
        until_stored(&server, 0).await;
        a.drain().await;
        b.drain().await;
    }
}

#[tokio::test]
async fn members_of_a_room_have_its_files_and_lose_them_with_their_membership() {
    let server = shared();
    let (people, [mut a, mut b], [mut ann, mut ben]) = pair(&server).await;
    let room = a.create_room(true).await;
    let target = format!("room={room}");
    refused(&bring(&mut ben, &target, "image/png", PNG).await, 403, 4105);
    let file = id(&bring(&mut ann, &target, "image/png", PNG).await);
    a.send_message(&naming(room_message(&room, "look"), &file)).await;
    a.take(PacketType::Message).await;
    gone(&fetch(&mut ben, &file).await);
    b.join_room(&room).await;
    assert_eq!(
        fetch(&mut ben, &file).await.body,
        PNG,
        "members read the whole history"
    );
    let kicked = a.in_room(room_operation::KICK, &room, Some(&people.b.node)).await;
    assert!(kicked.ok, "{kicked:?}");
    gone(&fetch(&mut ben, &file).await);
    assert_eq!(fetch(&mut ann, &file).await.status, 200);
}

#[tokio::test]
async fn parts_of_a_file_can_be_fetched() {
    let server = shared();
    let (people, _clients, [mut ann, _]) = pair(&server).await;
    let content: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
    let taken = bring(
        &mut ann,
        &format!("peer={}", people.b.node),
        "video/mp4",
        &content,
    )
    .await;
    let path = format!("{FILES}/{}?name=%E6%8A%A5%0d%0aX:%20y%22.mp4", id(&taken));
    let whole = ann.get(&path).await;
    assert_eq!((whole.status, whole.body == content), (200, true));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(whole.header(name), Some(value), "{name}");
    }
    let disposition = whole.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment; filename="), "{disposition}");
    assert!(
        disposition.contains("filename*=UTF-8''%E6%8A%A5X%20y.mp4"),
        "{disposition}"
    );
    assert_eq!(whole.header("x"), None);
    let tag = whole.header("etag").unwrap().to_owned();
    for (range, first, last) in [
        ("0-0", 0, 0),
        ("65535-65536", 65_535, 65_536),
        ("199990-", 199_990, 199_999),
        ("-7", 199_993, 199_999),
    ] {
        let part = ann
            .send("GET", &path, &[&format!("Range: bytes={range}")], b"")
            .await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.body, content[first..=last], "{range}");
        let told = format!("bytes {first}-{last}/200000");
        assert_eq!(part.header("content-range"), Some(told.as_str()));
    }
    let outside = ann.send("GET", &path, &["Range: bytes=200000-"], b"").await;
    refused(&outside, 416, 4104);
    assert_eq!(outside.header("content-range"), Some("bytes */200000"));
    let several = ann.send("GET", &path, &["Range: bytes=0-1,5-6"], b"").await;
    assert_eq!((several.status, several.body.len()), (200, 200_000));
    let same = ann
        .send("GET", &path, &[&format!("If-None-Match: {tag}")], b"")
        .await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    for (condition, status) in [(tag.as_str(), 206), ("\"another\"", 200)] {
        let headers = [format!("If-Range: {condition}"), "Range: bytes=0-9".to_owned()];
        let part = ann.send("GET", &path, &[&headers[0], &headers[1]], b"").await;
        assert_eq!(part.status, status, "{condition}");
    }
    let head = ann.send("HEAD", &path, &[], b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("200000"));
}

#[tokio::test]
async fn only_what_really_is_a_picture_audio_or_video_is_shown_inside_a_page() {
    let server = shared();
    let (people, _clients, [mut ann, _]) = pair(&server).await;
    let target = format!("peer={}", people.b.node);
    let script: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
    for (kind, content, shown) in [
        ("image/png", PNG, "image/png"),
        ("image/png", script, "application/octet-stream"),
        ("text/html", script, "application/octet-stream"),
        (
            "image/svg+xml",
            b"<svg onload='alert(1)'/>",
            "application/octet-stream",
        ),
        ("application/pdf", b"%PDF-1.7", "application/octet-stream"),
        ("audio/ogg", b"OggS\0\x02", "audio/ogg"),
    ] {
        let file = id(&bring(&mut ann, &target, kind, content).await);
        let got = fetch(&mut ann, &file).await;
        assert_eq!(got.header("content-type"), Some(shown), "{kind}");
        let inside = if shown == kind { "inline" } else { "attachment" };
        assert_eq!(got.header("content-disposition"), Some(inside));
    }
}

#[tokio::test]
async fn limits_hold_and_nothing_is_left_of_what_is_refused() {
    let server = Server::options()
        .set("files.max_bytes", "\"100KiB\"")
        .set("files.bytes_per_account", "\"150KiB\"")
        .set("files.uploads_per_account", "1")
        .start();
    let (people, _clients, [mut ann, mut ben]) = pair(&server).await;
    let target = format!("peer={}", people.b.node);
    refused(
        &bring(&mut ann, &target, "", &[0; (100 << 10) + 1]).await,
        413,
        4104,
    );
    let first = id(&bring(&mut ann, &target, "", &[1; 100 << 10]).await);
    refused(&bring(&mut ann, &target, "", &[2; 51 << 10]).await, 507, 4111);
    until_stored(&server, 1).await;
    assert_eq!(ann.delete(&format!("{FILES}/{first}")).await.status, 204);
    gone(&ann.delete(&format!("{FILES}/{first}")).await);
    until_stored(&server, 0).await;
    // One that begins holds the only place, until it breaks off. Its body is asked for once it has it.
    let path = format!("{FILES}?{target}");
    let begun = ann.request("POST", &path, &["Expect: 100-continue"], &[3; 50 << 10]);
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream
        .write_all(&begun[..begun.len() - (50 << 10)])
        .await
        .unwrap();
    let mut told = [0; 12];
    tim_tests::within("the body to be asked for", stream.read_exact(&mut told))
        .await
        .unwrap();
    assert_eq!(&told, b"HTTP/1.1 100");
    refused(&bring(&mut ann, &target, "", b"x").await, 429, 5105);
    assert_eq!(
        bring(&mut ben, &format!("peer={}", people.a.node), "", b"x")
            .await
            .status,
        201
    );
    drop(stream);
    tim_tests::within("the place to be free", async {
        while bring(&mut ann, &target, "", &[4; 100]).await.status == 429 {}
    })
    .await;
    let request = format!("POST {path} HTTP/1.1\r\nHost: {}\r\n", server.address());
    let without_length = [
        request.as_bytes(),
        format!("Origin: http://{}\r\n", server.address()).as_bytes(),
        format!("Cookie: tim_session={}\r\n", ann.cookie.as_ref().unwrap()).as_bytes(),
        b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    ]
    .concat();
    let answer = tim_tests::http::exchange(server.address(), &without_length).await;
    refused(&answer, 411, 4104);
}

#[tokio::test]
async fn a_file_that_nobody_names_expires() {
    let server = Server::options()
        .set("files.unused_lifetime", "\"500ms\"")
        .start();
    let (people, [mut a, _b], [mut ann, _]) = pair(&server).await;
    let target = format!("peer={}", people.b.node);
    let named = id(&bring(&mut ann, &target, "", b"kept").await);
    a.send_message(&naming(message(&people.b.node, "look"), &named))
        .await;
    a.echo().await;
    let unused = id(&bring(&mut ann, &target, "", b"not kept").await);
    until_stored(&server, 1).await;
    gone(&fetch(&mut ann, &unused).await);
    assert_eq!(fetch(&mut ann, &named).await.body, b"kept");
}

#[tokio::test]
async fn nothing_of_a_file_can_be_read_in_the_data_directory() {
    let server = Server::start();
    let (people, [mut a, _b], [mut ann, _]) = pair(&server).await;
    let secret = b"what nobody else may ever read. ".repeat(5_000);
    let file = id(&bring(&mut ann, &format!("peer={}", people.b.node), "", &secret).await);
    a.send_message(&naming(message(&people.b.node, "look"), &file))
        .await;
    a.echo().await;
    for path in stored(&server.data()) {
        let bytes = std::fs::read(&path).unwrap();
        for text in [&secret[..30], b"a.png"] {
            let found = bytes.windows(text.len()).any(|window| window == text);
            assert!(!found, "{} tells it", path.display());
        }
    }
    let rotated = server.data();
    assert!(rotated.exists());
    server.stop();
    server.run();
    let mut ann = Browser::logged_in(&server, &people.a).await;
    assert_eq!(
        fetch(&mut ann, &file).await.body,
        secret,
        "it is there after a restart"
    );
}

#[tokio::test]
async fn a_kill_in_the_middle_of_an_upload_leaves_nothing() {
    let server = Server::start();
    let (people, _clients, [ann, _]) = pair(&server).await;
    let path = format!("{FILES}?peer={}", people.b.node);
    let content = vec![7; 4 << 20];
    let begun = ann.request("POST", &path, &[], &content);
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(&begun[..begun.len() - 1]).await.unwrap();
    until_stored(&server, 1).await;
    server.kill();
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest).await);
    server.run();
    until_stored(&server, 0).await;
    // Its bytes do not count any more.
    let mut ann = Browser::logged_in(&server, &people.a).await;
    let file = id(&bring(&mut ann, &format!("peer={}", people.b.node), "", b"next").await);
    server.kill();
    server.run();
    let mut ann = Browser::logged_in(&server, &people.a).await;
    assert_eq!(
        fetch(&mut ann, &file).await.body,
        b"next",
        "what was answered is there"
    );
}

#[tokio::test]
async fn a_kill_after_a_recall_leaves_no_bytes() {
    let server = Server::start();
    let (people, [mut a, _b], [mut ann, _]) = pair(&server).await;
    let target = format!("peer={}", people.b.node);
    let mut last = 0;
    for _ in 0..3 {
        let file = id(&bring(&mut ann, &target, "", b"content").await);
        a.send_message(&naming(message(&people.b.node, "look"), &file))
            .await;
        last = a.echo().await.mid.unwrap();
    }
    for mid in 1..=last {
        a.send(PacketType::RevokeMessage, &retraction(2, &people.b.node, mid))
            .await;
    }
    a.take(PacketType::Message).await;
    server.kill();
    server.run();
    // The first recall is durable; its bytes go at the latest now, whatever the kill broke off.
    let mut again = people.a.login(&server, Encoding::Compact).await;
    let left = again.whole_history(&people.b.node).await.len();
    assert!(left < 3);
    until_stored(&server, left).await;
}

#[tokio::test]
async fn a_server_without_files_says_so() {
    let server = Server::options().set("files.storage", "\"off\"").start();
    let (people, [mut a, _b], [mut ann, _]) = pair(&server).await;
    refused(
        &bring(&mut ann, &format!("peer={}", people.b.node), "", b"x").await,
        403,
        4107,
    );
    let unknown = format!("AAAA{}", "B".repeat(24));
    let named = naming(message(&people.b.node, "look"), &unknown);
    a.refused_message(&named, ErrorCode::NoExist).await;
}

#[tokio::test]
async fn pictures_are_seen_by_everybody_of_the_domain_and_replaced() {
    let server = Server::options().set("directory.users", "true").start();
    let (people, [mut a, mut b], [mut ann, mut ben]) = pair(&server).await;
    let set = |response: Response| -> String {
        assert_eq!(response.status, 200, "{response:?}");
        body(&response)["picture"]
            .as_str()
            .expect("an address")
            .to_owned()
    };
    let first = set(ann.send("PUT", "/client/v1/picture", &[], PNG).await);
    let seen = ben.get(&first).await;
    assert_eq!((seen.status, seen.body.as_slice()), (200, PNG));
    assert_eq!(seen.header("content-type"), Some("image/png"));
    let second = set(ann.send("PUT", "/client/v1/picture", &[], PNG).await);
    gone(&ben.get(&first).await);
    assert_eq!(ben.get(&second).await.status, 200);
    let listed: Value = body(&ben.get("/client/v1/people").await);
    let of_ann = listed["people"].as_array().unwrap().iter();
    let of_ann = of_ann
        .clone()
        .find(|person| person["node"] == people.a.node.as_str());
    assert_eq!(of_ann.unwrap()["picture"], second.as_str());
    until_stored(&server, 1).await;
    refused(
        &ann.send("PUT", "/client/v1/picture", &[], b"<svg/>").await,
        400,
        4104,
    );
    refused(
        &ann.send("PUT", "/client/v1/picture", &[], &vec![0; (1 << 20) + 1])
            .await,
        413,
        4104,
    );
    assert_eq!(ben.get(&second).await.status, 200, "the old one stays");

    let room = a.create_room(true).await;
    b.join_room(&room).await;
    let path = format!("/client/v1/rooms/{room}/picture");
    refused(&ben.send("PUT", &path, &[], PNG).await, 403, 4105);
    let of_room = set(ann.send("PUT", &path, &[], PNG).await);
    assert_eq!(ben.get(&of_room).await.body, PNG);
    let profile = b.room_profile(&room).await.unwrap();
    assert_eq!(profile.cover.as_deref(), Some(of_room.as_str()));
}
