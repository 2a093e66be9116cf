//! A disk that is full, or that cannot be written: refusals instead of lies, and nothing lost.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use tim_protocol::wire::TimMessage;
use tim_tests::chat::{all_words, message};
use tim_tests::rooms::room_message;
use tim_tests::{Client, Encoding, ErrorCode, PacketType, Pair, Person, Server, friends, in_both_encodings};

/// A small file system in memory. Needs the rights of an administrator.
struct SmallDisk {
    directory: TempDir,
}

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let directory = tempfile::Builder::new().prefix("tim-test-").tempdir().unwrap();
        let options = format!("size={megabytes}m");
        let is_mounted = run(
            "mount",
            &["-t", "tmpfs", "-o", &options, "tmpfs"],
            directory.path(),
        );
        if !is_mounted {
            eprintln!("SKIPPED: a small file system cannot be mounted here");
            return None;
        }
        Some(Self { directory })
    }

    /// A server whose data is on this disk, and nothing else.
    fn server(&self) -> Server {
        let data = self.directory.path().join("data");
        Server::options()
            .set("storage.path", &format!("{data:?}"))
            .start()
    }

    fn make_read_only(&self) {
        assert!(run("mount", &["-o", "remount,ro"], self.directory.path()));
    }

    /// Takes all space that is left.
    fn fill(&self) {
        let file = std::fs::File::create(self.ballast()).unwrap();
        let mut free = 0_u64;
        let block = [1_u8; 4096];
        while std::os::unix::fs::FileExt::write_all_at(&file, &block, free).is_ok() {
            free += 4096;
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> std::path::PathBuf {
        self.directory.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &["-l"], self.directory.path());
    }
}

fn run(program: &str, arguments: &[&str], directory: &Path) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .arg(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Sends numbered messages until one is refused. Answers how many were stored and the refused one.
async fn send_until_refused(a: &mut Client, pair: &Pair) -> (i64, TimMessage) {
    for id in 1..100_000 {
        let next = TimMessage {
            id: Some(id),
            ..message(&pair.b.node, &format!("number {id} {}", "x".repeat(2_000)))
        };
        a.send_message(&next).await;
        let answer = a.next().await;
        if answer.kind == PacketType::Ack {
            let refusal = answer.refusal(PacketType::Message, ErrorCode::Database);
            assert_eq!(refusal.t, Some(id), "the refusal says which message");
            return (id - 1, next);
        }
        assert_eq!(answer.message().mid, Some(id));
    }
    panic!("the disk does not fill up");
}

/// After the disk has room again: the refused message can be sent, and all are there.
async fn check_recovery(server: &Server, pair: &Pair, a: &mut Client, stored: i64, refused: &TimMessage) {
    tim_tests::within("the server to recover", async {
        loop {
            a.send_message(refused).await;
            if a.take_answer().await {
                break;
            }
        }
    })
    .await;
    let history = a.whole_history(&pair.b.node).await;
    let mids: Vec<i64> = history.iter().map(|it| it.mid.unwrap()).collect();
    assert_eq!(mids, (1..=stored + 1).collect::<Vec<_>>());
    server.kill();
    server.run();
    let mut b = pair.b.login(server, Encoding::Compact).await;
    b.offline().await;
    assert_eq!(
        b.whole_history(&pair.a.node).await,
        history,
        "also after a restart"
    );
}

trait TakeAnswer {
    async fn take_answer(&mut self) -> bool;
}

impl TakeAnswer for Client {
    /// Whether the message was echoed; otherwise it was refused.
    async fn take_answer(&mut self) -> bool {
        self.next().await.kind == PacketType::Message
    }
}

#[tokio::test]
async fn a_full_disk_refuses_messages_and_everything_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount(12) else { return };
    let server = disk.server();
    let (pair, mut a, mut b) = friends(&server, Encoding::Compact).await;
    a.chat(&pair.b.node, "before").await;
    b.delivery().await;
    disk.fill();
    let first_id = TimMessage {
        id: Some(5_000_000),
        ..message(&pair.b.node, &"y".repeat(200_000))
    };
    // Small messages may still fit into the log of the database; this one does not.
    a.send_message(&first_id).await;
    let answer = a.next().await.refusal(PacketType::Message, ErrorCode::Database);
    assert_eq!(answer.t, Some(5_000_000));
    b.expect_silence().await;
    // What is stored can be read, and sessions go on.
    assert_eq!(
        all_words(&b.history(&pair.a.node, 0, 10).await).last(),
        Some(&"before")
    );
    a.expect_silence().await;
    disk.make_room();
    tim_tests::within("the server to recover", async {
        loop {
            a.send_message(&first_id).await;
            if a.take_answer().await {
                break;
            }
        }
    })
    .await;
    b.delivery().await;
    server.kill();
    server.run();
    let mut b = pair.b.login(&server, Encoding::Compact).await;
    assert_eq!(b.whole_history(&pair.a.node).await.len(), 2);
    assert!(server.stop().success());
}

#[tokio::test]
async fn a_disk_that_fills_up_while_people_chat_loses_nothing_acknowledged() {
    let Some(disk) = SmallDisk::mount(6) else { return };
    let server = disk.server();
    let (pair, mut a, b) = friends(&server, Encoding::Compact).await;
    b.close().await;
    std::fs::write(disk.ballast(), vec![0; 1 << 20]).unwrap();
    let (stored, refused) = send_until_refused(&mut a, &pair).await;
    assert!(stored > 10, "{stored}");
    disk.make_room();
    check_recovery(&server, &pair, &mut a, stored, &refused).await;
}

/// The same without the rights of an administrator: the largest size of a file instead of the disk.
/// Covers: 7.6-32
#[tokio::test]
async fn a_database_that_cannot_grow_refuses_messages_and_keeps_what_it_has() {
    let limit = "trap '' XFSZ; ulimit -f 6000; exec \"$@\"";
    let server = Server::options().through(&["/bin/sh", "-c", limit, "sh"]).start();
    let (pair, mut a, b) = friends(&server, Encoding::Compact).await;
    b.close().await;
    let (stored, refused) = send_until_refused(&mut a, &pair).await;
    assert!(stored > 10, "{stored}");
    server.kill();
    server.reconfigure(|options| options.through(&["/usr/bin/env"]));
    server.run();
    let mut a = pair.a.login(&server, Encoding::Compact).await;
    a.offline().await;
    check_recovery(&server, &pair, &mut a, stored, &refused).await;
}

#[tokio::test]
async fn registering_on_a_full_disk_is_refused_and_works_later() {
    let Some(disk) = SmallDisk::mount(8) else { return };
    let server = disk.server();
    disk.fill();
    // Some may fit into what the database has reserved; the accounts of those who were told "yes" must be there.
    let mut registered = Vec::new();
    let mut refused = 0;
    for number in 0..3_000 {
        let auth = tim_protocol::wire::TimAuth {
            name: Some(format!("{}-full-{number}", tim_tests::secrets::NAME)),
            pwd: Some(tim_tests::secrets::PASSWORD.to_owned()),
            ..Default::default()
        };
        let answer = tim_tests::people::ask(&server, PacketType::Register, &auth, Encoding::Compact).await;
        if answer.ok {
            registered.push(auth);
        } else {
            assert_eq!(answer.error_code(), Some(ErrorCode::Database));
            refused += 1;
            if refused == 3 {
                break;
            }
        }
    }
    assert_eq!(refused, 3);
    disk.make_room();
    server.kill();
    server.run();
    for auth in &registered {
        let mut client = Client::connect(server.address(), Encoding::Compact).await;
        client.log_in(auth).await;
    }
    Person::register(&server).await;
}

#[tokio::test]
async fn a_read_only_disk_is_reported_at_start() {
    let Some(disk) = SmallDisk::mount(12) else { return };
    let server = disk.server();
    let (pair, mut a, _b) = friends(&server, Encoding::Compact).await;
    a.chat(&pair.b.node, "kept").await;
    assert!(server.stop().success());
    disk.make_read_only();
    let failed = server.try_run().unwrap_err();
    assert_eq!(failed.status.code(), Some(4), "{}", failed.log);
    assert!(failed.log.contains("data"), "it names the place: {}", failed.log);
}

#[tokio::test]
async fn a_read_only_database_is_reported_at_start() {
    let server = Server::start();
    Person::register(&server).await;
    assert!(server.stop().success());
    let database = server.data().join("tim.db");
    // Permissions do not stop an administrator; an immutable file does.
    let is_root = rustix::process::geteuid().is_root();
    let protect = |on: bool| match is_root {
        true => run("chattr", &[if on { "+i" } else { "-i" }], &database),
        false => run("chmod", &[if on { "0400" } else { "0600" }], &database),
    };
    if !protect(true) {
        eprintln!("SKIPPED: the database file cannot be protected against writing here");
        return;
    }
    let failed = server.try_run();
    protect(false);
    let failed = failed.unwrap_err();
    assert_eq!(failed.status.code(), Some(4), "{}", failed.log);
    assert!(failed.log.contains("tim.db"), "{}", failed.log);
    server.run();
}

/// Covers: 9-5103, W-24
async fn a_room_message_that_cannot_be_stored_is_refused(encoding: Encoding) {
    let Some(disk) = SmallDisk::mount(12) else { return };
    let server = disk.server();
    let founder = Person::register(&server).await;
    let mut a = founder.login(&server, encoding).await;
    let room = a.create_room(true).await;
    a.say_in_room(&room, "before").await;
    disk.fill();
    let large = TimMessage {
        data_string: Some("x".repeat(200_000)),
        ..room_message(&room, "")
    };
    a.send_message(&large).await;
    let refusal = a.take(PacketType::Ack).await;
    let error = refusal
        .refusal(PacketType::Message, ErrorCode::Database)
        .error
        .unwrap();
    assert_eq!(
        (error.code, error.info.as_deref()),
        (Some(5103), Some("database error"))
    );
    disk.make_room();
    tim_tests::within("the server to recover", async {
        loop {
            a.send_message(&large).await;
            if a.take_answer().await {
                break;
            }
        }
    })
    .await;
    assert_eq!(a.whole_room_history(&room).await.len(), 2);
}

in_both_encodings!(a_room_message_that_cannot_be_stored_is_refused);
