//! The feed against an inbox kept in a vector and a client that follows a script.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use tim_protocol::packet::ServerPacket;

use super::*;
use crate::store::Mid;

/// An inbox, a device, a feed and what the client got.
struct Bench {
    settings: DeliverySettings,
    log: Vec<Option<TimMessage>>,
    cursor: Cursor,
    feed: Feed,
    now: Instant,
    /// Send ids not acknowledged by the client yet, with the entries they carry.
    open: BTreeMap<i32, Vec<i64>>,
    /// Entries in the order they were first seen, by number.
    seen: Vec<i64>,
    live: Vec<i64>,
    offline: Vec<i64>,
    ends: usize,
}

fn settings() -> DeliverySettings {
    DeliverySettings {
        window: 4,
        window_bytes: 600,
        offline_window: 3,
        ..DeliverySettings::default()
    }
}

impl Bench {
    fn new(backlog: usize, settings: DeliverySettings) -> Self {
        let now = Instant::now();
        let log = (0..backlog).map(|at| Some(entry(at))).collect();
        let head = Seq(i64::try_from(backlog).unwrap());
        let feed = Feed::new(Encoding::Compact, Seq(0), head, now, &settings);
        Self {
            settings,
            log,
            cursor: Cursor::new(Seq(0)),
            feed,
            now,
            open: BTreeMap::new(),
            seen: Vec::new(),
            live: Vec::new(),
            offline: Vec::new(),
            ends: 0,
        }
    }

    /// A new entry; `reaches` tells whether the push gets through.
    fn append(&mut self, reaches: bool) {
        self.log.push(Some(entry(self.log.len())));
        let seq = Seq(i64::try_from(self.log.len()).unwrap());
        if reaches {
            let mut message = entry(self.log.len() - 1);
            message.mid = Some(seq.0);
            let parcel = Arc::new(Parcel::message(message));
            self.feed.pushed(seq, &parcel, self.now, &self.settings);
        } else {
            self.feed.grown(seq);
        }
        self.collect();
    }

    fn read(&mut self) -> bool {
        let Some(request) = self.feed.wants_read(&self.settings, || self.cursor.position()) else {
            return false;
        };
        let mut bytes = 0;
        let mut entries = Vec::new();
        for (at, message) in self.log.iter().enumerate() {
            let seq = Seq(i64::try_from(at + 1).unwrap());
            if seq <= request.after || entries.len() >= request.limit {
                continue;
            }
            let body = message
                .as_ref()
                .map(|message| Bytes::from(message.encode(Encoding::Compact)));
            bytes += body.as_ref().map_or(0, Bytes::len);
            if bytes > request.max_bytes && !entries.is_empty() {
                break;
            }
            entries.push(InboxCopy {
                seq,
                mid: Some(Mid(seq.0)),
                client_id: None,
                body,
            });
        }
        self.feed
            .read(entries, &mut self.cursor, self.now, &self.settings);
        self.collect();
        true
    }

    fn ack(&mut self, at: usize) {
        let Some((&send_id, _)) = self.open.iter().nth(at % self.open.len().max(1)) else {
            return;
        };
        self.open.remove(&send_id);
        self.feed.acknowledged(send_id, &mut self.cursor);
        self.collect();
    }

    fn request_offline(&mut self) {
        self.feed.request_offline(&self.cursor);
        self.collect();
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.feed.tick(self.now, &self.settings);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(packet) = self.feed.next_packet() {
            let packet = ServerPacket::parse(&packet).unwrap();
            let numbers: Vec<i64> = match packet.packet_type().unwrap() {
                PacketType::OfflineMsgEnd => {
                    self.ends += 1;
                    continue;
                }
                PacketType::OfflineMsg => {
                    let list: TimMessageList = packet.decode(Encoding::Compact).unwrap();
                    let list = list.message_list.unwrap();
                    assert!(list.len() <= self.settings.offline_batch);
                    assert!(list.len() == 1 || packet.payload.len() <= self.settings.offline_batch_bytes);
                    assert!(list.iter().all(|message| message.is_offline == Some(true)));
                    let numbers: Vec<i64> = list.iter().map(|message| message.mid.unwrap()).collect();
                    self.offline.extend(&numbers);
                    numbers
                }
                _ => {
                    let message: TimMessage = packet.decode(Encoding::Compact).unwrap();
                    self.live.push(message.mid.unwrap());
                    vec![message.mid.unwrap()]
                }
            };
            for number in &numbers {
                if !self.seen.contains(number) {
                    self.seen.push(*number);
                }
            }
            self.open.insert(packet.send_id.unwrap(), numbers);
        }
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            let read = self.read();
            if self.open.is_empty() && !read {
                return;
            }
            while !self.open.is_empty() {
                self.ack(0);
            }
        }
        panic!("the feed does not settle");
    }
}

fn entry(at: usize) -> TimMessage {
    TimMessage {
        ms_type: 2,
        od_type: 1,
        data_string: Some(format!("entry {at}")),
        ..TimMessage::default()
    }
}

#[test]
fn a_push_in_turn_is_sent_on_without_reading() {
    let mut bench = Bench::new(0, settings());
    bench.append(true);
    assert_eq!(bench.live, [1]);
    assert!(!bench.read());
    bench.ack(0);
    assert_eq!(bench.cursor.position(), Seq(1));
}

#[test]
fn a_missed_push_is_read_back_in_order() {
    let mut bench = Bench::new(0, settings());
    bench.append(false);
    bench.append(true);
    assert_eq!(bench.live, [0; 0]);
    assert!(bench.read());
    assert_eq!(bench.live, [1, 2]);
}

#[test]
fn a_mute_device_gets_a_window_and_no_more() {
    let mut bench = Bench::new(0, settings());
    for _ in 0..100 {
        bench.append(true);
        bench.read();
    }
    assert_eq!(bench.live.len(), 4);
    bench.settle();
    assert_eq!(bench.seen, (1..=100).collect::<Vec<_>>());
}

#[test]
fn an_unacknowledged_packet_is_sent_three_times_with_new_send_ids() {
    let mut bench = Bench::new(0, settings());
    bench.append(true);
    for _ in 0..10 {
        bench.pass(Duration::from_secs(10));
    }
    assert_eq!(bench.live, [1, 1, 1]);
    assert_eq!(bench.open.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(bench.cursor.position(), Seq(0), "it stays in the inbox");
    bench.request_offline();
    bench.open.clear();
    bench.settle();
    assert_eq!(bench.offline, [1], "the offline request offers it again");
}

#[test]
fn a_backlog_waits_for_the_offline_request_and_newer_entries_behind_it() {
    let mut bench = Bench::new(25, settings());
    bench.append(true);
    assert!(!bench.read() && bench.seen.is_empty());
    bench.request_offline();
    bench.settle();
    assert_eq!(bench.offline, (1..=26).collect::<Vec<_>>());
    assert_eq!(bench.ends, 1);
    bench.append(true);
    assert_eq!(bench.live, [27]);
}

#[test]
fn a_client_that_does_not_ask_gets_its_backlog_after_the_grace_time() {
    let mut bench = Bench::new(3, settings());
    bench.pass(Duration::from_secs(4));
    assert!(!bench.read());
    bench.pass(Duration::from_secs(1));
    bench.settle();
    assert_eq!(bench.live, [1, 2, 3]);
}

#[test]
fn an_empty_queue_is_answered_with_the_end_marker_at_once() {
    let mut bench = Bench::new(0, settings());
    bench.request_offline();
    bench.request_offline();
    assert_eq!(bench.ends, 2);
}

#[test]
fn the_end_marker_waits_for_the_last_acknowledgement() {
    let mut bench = Bench::new(3, settings());
    bench.request_offline();
    assert!(bench.read());
    assert_eq!(bench.ends, 0);
    bench.ack(0);
    assert_eq!(bench.ends, 1);
}

#[test]
fn recalled_entries_never_block_the_queue() {
    let mut bench = Bench::new(30, settings());
    for at in 0..20 {
        bench.log[at] = None;
    }
    bench.request_offline();
    bench.settle();
    assert_eq!(bench.offline, (21..=30).collect::<Vec<_>>());
    assert_eq!((bench.ends, bench.cursor.position()), (1, Seq(30)));
}

#[test]
fn a_list_that_is_never_acknowledged_stops_the_queue_until_it_is_asked_for_again() {
    let mut bench = Bench::new(100, settings());
    bench.request_offline();
    bench.read();
    for _ in 0..5 {
        bench.pass(Duration::from_secs(10));
        bench.read();
    }
    assert_eq!(bench.ends, 0);
    let sent = bench.offline.len();
    bench.read();
    assert_eq!(bench.offline.len(), sent);
    bench.open.clear();
    bench.request_offline();
    bench.settle();
    assert_eq!((bench.ends, bench.cursor.position()), (1, Seq(100)));
}

#[test]
fn a_late_acknowledgement_counts_and_resumes_the_queue() {
    let mut bench = Bench::new(100, settings());
    bench.request_offline();
    bench.read();
    let first: Vec<i32> = bench.open.keys().copied().collect();
    for _ in 0..4 {
        bench.pass(Duration::from_secs(10));
    }
    assert!(!bench.read(), "it was given up");
    for send_id in first {
        bench.feed.acknowledged(send_id, &mut bench.cursor);
    }
    bench.open.clear();
    assert_eq!(bench.cursor.position(), Seq(30));
    bench.settle();
    assert_eq!((bench.ends, bench.cursor.position()), (1, Seq(100)));
}

#[test]
fn what_a_device_left_unacknowledged_waits_while_newer_entries_go_on() {
    let mut bench = Bench::new(0, settings());
    bench.append(true);
    for _ in 0..4 {
        bench.pass(Duration::from_secs(10));
    }
    bench.open.clear();
    bench.append(true);
    bench.settle();
    assert_eq!(bench.live, [1, 1, 1, 2]);
    assert_eq!(bench.cursor.position(), Seq(0));
    bench.request_offline();
    bench.settle();
    assert_eq!(bench.offline, [1]);
    assert_eq!(bench.cursor.position(), Seq(2));
}

#[test]
fn time_in_which_the_socket_takes_nothing_does_not_count() {
    let mut bench = Bench::new(0, settings());
    bench.append(true);
    for _ in 0..10 {
        bench.now += Duration::from_secs(9);
        bench.feed.blocked(bench.now);
        bench.feed.tick(bench.now, &bench.settings);
    }
    bench.collect();
    assert_eq!(bench.live, [1]);
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.live, [1, 1]);
}

#[test]
fn sending_runs_only_so_far_ahead_of_an_entry_that_is_never_acknowledged() {
    let mut bench = Bench::new(0, settings());
    bench.append(true);
    let stuck = *bench.open.keys().next().unwrap();
    for _ in 0..3 * SPREAD {
        bench.append(true);
        bench.read();
        bench.open.remove(&stuck);
        bench.ack(0);
    }
    assert!(
        bench.seen.len() < usize::try_from(SPREAD).unwrap() + 100,
        "{}",
        bench.seen.len()
    );
}

#[test]
fn large_messages_come_alone_in_their_list() {
    let mut bench = Bench::new(3, settings());
    for message in bench.log.iter_mut().flatten() {
        message.data_string = Some("x".repeat(20_000));
    }
    bench.request_offline();
    bench.settle();
    assert_eq!(bench.offline, [1, 2, 3]);
}

#[test]
fn an_acknowledgement_of_an_unknown_send_id_changes_nothing() {
    let mut bench = Bench::new(0, settings());
    bench.append(true);
    bench.feed.acknowledged(77, &mut bench.cursor);
    assert_eq!(bench.cursor.position(), Seq(0));
}

#[test]
fn an_own_echo_counts_as_delivered_and_is_not_sent_again() {
    let mut bench = Bench::new(0, settings());
    bench.log.push(Some(entry(0)));
    bench.feed.echoed(Seq(1), &mut bench.cursor);
    assert_eq!(bench.cursor.position(), Seq(1));
    bench.log.extend([Some(entry(1)), Some(entry(2)), Some(entry(3))]);
    bench.feed.echoed(Seq(3), &mut bench.cursor);
    bench.feed.grown(Seq(4));
    bench.settle();
    assert_eq!(bench.live, [2, 4], "2 and 4 were missed, 3 was shown");
}

#[derive(Clone, Debug)]
enum Step {
    Append { reaches: bool },
    Read,
    Ack(usize),
    Offline,
    Pass(u64),
    Recall(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(|reaches| Step::Append { reaches }),
        3 => Just(Step::Read),
        4 => (0usize..8).prop_map(Step::Ack),
        1 => Just(Step::Offline),
        1 => (1u64..12).prop_map(Step::Pass),
        1 => (0usize..60).prop_map(Step::Recall),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_every_entry_arrives_and_in_order(
        backlog in 0usize..30,
        steps in proptest::collection::vec(step(), 0..120),
    ) {
        let mut bench = Bench::new(backlog, settings());
        for step in steps {
            match step {
                Step::Append { reaches } => bench.append(reaches),
                Step::Read => { bench.read(); }
                Step::Ack(at) => bench.ack(at),
                Step::Offline => bench.request_offline(),
                Step::Pass(seconds) => bench.pass(Duration::from_secs(seconds)),
                Step::Recall(at) => if let Some(slot) = bench.log.get_mut(at) { *slot = None },
            }
            prop_assert!(bench.feed.flight.len() <= 4.max(3 * bench.settings.offline_batch));
        }
        // What was given up during a running offline request is offered by the next one.
        for _ in 0..2 {
            bench.request_offline();
            bench.settle();
        }
        prop_assert_eq!(bench.cursor.position(), Seq(i64::try_from(bench.log.len()).unwrap()));
        prop_assert!(bench.seen.is_sorted(), "first sights are in order: {:?}", bench.seen);
        for (at, message) in bench.log.iter().enumerate() {
            let number = i64::try_from(at + 1).unwrap();
            prop_assert!(message.is_none() || bench.seen.contains(&number), "{number} never arrived");
        }
        prop_assert!(bench.ends >= 1);
    }
}
