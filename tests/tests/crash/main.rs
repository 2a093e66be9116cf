//! The real server under load is killed with SIGKILL at random moments and started again on the same data, while
//! senders and receivers go on. In the end every acknowledged message is in the history exactly once, in order
//! and without gaps, reached the application on every device exactly once, and nothing was invented.
//!
//! `TIM_CRASH_SEEDS` is the number of kills (default 100), `TIM_CRASH_FIRST_SEED` the first seed (default 1).
//! A seed fixes the plan of a run, not the moment at which the operating system stops the process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code: a failed expectation is a failed test"
)]

mod device;
mod ledger;
mod raw;
mod registrar;
mod sdk;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tim_tests::people::befriend;
use tim_tests::{Encoding, Person, Server};
use tokio::sync::watch;

use device::{Device, Place};
use ledger::Ledger;
use registrar::Registrar;

/// Kills in one data directory. Their number decides how often recovery works on what recovery left.
const KILLS_PER_DIRECTORY: u64 = 25;
/// Longest time between ready and kill.
const LONGEST_LIFE: Duration = Duration::from_millis(250);

fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_kill_9() {
    let kills = number_from("TIM_CRASH_SEEDS", 100);
    let first = number_from("TIM_CRASH_FIRST_SEED", 1);
    let start = Instant::now();
    let mut done = 0;
    let mut messages = 0;
    for seed in first.. {
        if done >= kills {
            break;
        }
        let now = KILLS_PER_DIRECTORY.min(kills - done);
        println!("seed {seed}: {now} kills");
        messages += Box::pin(directory(seed, now)).await;
        done += now;
    }
    println!("{done} kills, {messages} messages, {:?}", start.elapsed());
}

/// Those who take part in one conversation and what is known of it.
struct Conversation {
    ledger: Arc<Ledger>,
    people: Vec<Person>,
    room: Option<String>,
}

/// One data directory from its first start to the last check. Answers the number of messages.
async fn directory(seed: u64, kills: u64) -> usize {
    let mut random = StdRng::seed_from_u64(seed);
    let server = Arc::new(Server::options().set("log.level", "\"warn\"").start());
    let (finish, finishing) = watch::channel(false);
    let mut conversations = Vec::new();
    let mut devices = Vec::new();
    for index in 0..3 {
        let encoding = if random.random_bool(0.5) {
            Encoding::Compact
        } else {
            Encoding::Json
        };
        let ends = [Person::register(&server).await, Person::register(&server).await];
        make_friends(&server, &ends, encoding).await;
        let ledger = Arc::new(Ledger::default());
        // The first end only sends from one device; the second sends a little and has two devices.
        for (end, resource, window) in [(0, "phone", 16), (1, "phone", 2), (1, "web", 0)] {
            // One conversation of raw packets, one of the SDK, one of both.
            let uses_sdk = index == 1 || index == 2 && resource == "phone";
            let device = Device {
                server: Arc::clone(&server),
                ledger: Arc::clone(&ledger),
                me: ends[end].clone(),
                place: Place::User(ends[1 - end].node.clone()),
                resource,
                window,
                encoding,
                label: format!("{index}.{end} {resource}"),
            };
            devices.push(if uses_sdk {
                tokio::spawn(sdk::run(device, finishing.clone()))
            } else {
                tokio::spawn(raw::run(device, finishing.clone()))
            });
        }
        conversations.push(Conversation {
            ledger,
            people: ends.to_vec(),
            room: None,
        });
    }
    let circle = make_room(&server).await;
    for (member, resource, window) in [(0, "phone", 16), (1, "phone", 2), (1, "web", 0), (2, "phone", 0)] {
        let encoding = [Encoding::Compact, Encoding::Json][member % 2];
        let device = Device {
            server: Arc::clone(&server),
            ledger: Arc::clone(&circle.ledger),
            me: circle.people[member].clone(),
            place: Place::Room(circle.room.clone().unwrap()),
            resource,
            window,
            encoding,
            label: format!("room.{member} {resource}"),
        };
        devices.push(tokio::spawn(raw::run(device, finishing.clone())));
    }
    conversations.push(circle);
    let registrar = tokio::spawn(Registrar::new(Arc::clone(&server)).run(finishing.clone()));
    for _ in 0..kills {
        tokio::time::sleep(random.random_range(Duration::ZERO..LONGEST_LIFE)).await;
        let dies_early = random.random_bool(0.2);
        let early_life = random.random_range(Duration::ZERO..Duration::from_millis(60));
        let server = Arc::clone(&server);
        let restart = move || {
            server.kill();
            if dies_early {
                server.run_for(early_life);
            }
            server.run();
        };
        tokio::task::spawn_blocking(restart).await.unwrap();
    }
    finish.send_replace(true);
    for device in devices {
        device.await.unwrap();
    }
    registrar.await.unwrap().check().await;
    let mut messages = 0;
    for conversation in &conversations {
        messages += check(&server, conversation).await;
    }
    messages
}

/// Friendship over connections that are gone before the first kill. Every device logs in once: one that the
/// server does not know yet has no claim to what its account sent from another one.
async fn make_friends(server: &Server, ends: &[Person; 2], encoding: Encoding) {
    let mut a = ends[0].login_on(server, encoding, "phone").await;
    let mut b = ends[1].login_on(server, encoding, "phone").await;
    let web = ends[1].login_on(server, encoding, "web").await;
    befriend(&mut a, &mut b).await;
    for client in [a, b, web] {
        client.close().await;
    }
}

/// An open room with three members.
async fn make_room(server: &Server) -> Conversation {
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(Person::register(server).await);
    }
    let mut founder = people[0].login_on(server, Encoding::Compact, "phone").await;
    let room = founder.create_room(true).await;
    let web = people[1].login_on(server, Encoding::Json, "web").await;
    for member in &people[1..] {
        let mut client = member.login_on(server, Encoding::Compact, "phone").await;
        client.join_room(&room).await;
        client.close().await;
    }
    web.close().await;
    founder.close().await;
    Conversation {
        ledger: Arc::default(),
        people,
        room: Some(room),
    }
}

/// Compares the history with what the devices sent and saw.
async fn check(server: &Server, conversation: &Conversation) -> usize {
    let mut seen = Vec::new();
    let people = &conversation.people;
    for (me, reader) in people.iter().enumerate() {
        let mut client = reader.login_on(server, Encoding::Compact, "reader").await;
        client.offline().await;
        seen.push(match &conversation.room {
            Some(room) => client.whole_room_history(room).await,
            None => client.whole_history(&people[1 - me].node).await,
        });
    }
    assert!(
        seen.iter().all(|history| *history == seen[0]),
        "everybody has the same history"
    );
    conversation.ledger.check_history(&seen[0]);
    seen[0].len()
}
