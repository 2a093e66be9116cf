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
    cursors: Cursors,
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
        let feed = Feed::new(Encoding::Compact, Seq(0), head, Vec::new(), now, &settings);
        Self {
            settings,
            log,
            cursors: Cursors::new(Seq(0)),
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
            self.feed
                .pushed(Source::Inbox, seq, &parcel, self.now, &self.settings);
        } else {
            self.feed.grown(&Source::Inbox, seq);
        }
        self.collect();
    }

    fn read(&mut self) -> bool {
        let Some(request) = self
            .feed
            .wants_read(&self.settings, |_| self.cursors.inbox.position())
        else {
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
            .read(entries, &mut self.cursors, self.now, &self.settings);
        self.collect();
        true
    }

    fn ack(&mut self, at: usize) {
        let Some((&send_id, _)) = self.open.iter().nth(at % self.open.len().max(1)) else {
            return;
        };
        self.open.remove(&send_id);
        self.feed.acknowledged(send_id, &mut self.cursors);
        self.collect();
    }

    fn request_offline(&mut self) {
        self.feed.request_offline(&self.cursors);
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
    assert_eq!(bench.cursors.inbox.position(), Seq(1));
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
    assert_eq!(bench.cursors.inbox.position(), Seq(0), "it stays in the inbox");
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
    assert_eq!((bench.ends, bench.cursors.inbox.position()), (1, Seq(30)));
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
    assert_eq!((bench.ends, bench.cursors.inbox.position()), (1, Seq(100)));
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
        bench.feed.acknowledged(send_id, &mut bench.cursors);
    }
    bench.open.clear();
    assert_eq!(bench.cursors.inbox.position(), Seq(30));
    bench.settle();
    assert_eq!((bench.ends, bench.cursors.inbox.position()), (1, Seq(100)));
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
    assert_eq!(bench.cursors.inbox.position(), Seq(0));
    bench.request_offline();
    bench.settle();
    assert_eq!(bench.offline, [1]);
    assert_eq!(bench.cursors.inbox.position(), Seq(2));
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
    for _ in 0..3 * track::SPREAD {
        bench.append(true);
        bench.read();
        bench.open.remove(&stuck);
        bench.ack(0);
    }
    assert!(
        bench.seen.len() < usize::try_from(track::SPREAD).unwrap() + 100,
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
    bench.feed.acknowledged(77, &mut bench.cursors);
    assert_eq!(bench.cursors.inbox.position(), Seq(0));
}

#[test]
fn an_own_echo_counts_as_delivered_and_is_not_sent_again() {
    let mut bench = Bench::new(0, settings());
    bench.log.push(Some(entry(0)));
    bench.feed.echoed(Seq(1), &mut bench.cursors);
    assert_eq!(bench.cursors.inbox.position(), Seq(1));
    bench.log.extend([Some(entry(1)), Some(entry(2)), Some(entry(3))]);
    bench.feed.echoed(Seq(3), &mut bench.cursors);
    bench.feed.grown(&Source::Inbox, Seq(4));
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
        prop_assert_eq!(bench.cursors.inbox.position(), Seq(i64::try_from(bench.log.len()).unwrap()));
        prop_assert!(bench.seen.is_sorted(), "first sights are in order: {:?}", bench.seen);
        for (at, message) in bench.log.iter().enumerate() {
            let number = i64::try_from(at + 1).unwrap();
            prop_assert!(message.is_none() || bench.seen.contains(&number), "{number} never arrived");
        }
        prop_assert!(bench.ends >= 1);
    }
}

/// A feed that follows two rooms, kept in vectors.
struct Rooms {
    settings: DeliverySettings,
    rooms: [RoomId; 2],
    logs: [Vec<TimMessage>; 2],
    cursors: Cursors,
    feed: Feed,
    now: Instant,
    open: BTreeMap<i32, ()>,
    /// Room and mid, in the order of arrival.
    seen: Vec<(usize, i64)>,
    ends: usize,
}

impl Rooms {
    fn new(backlog: [usize; 2]) -> Self {
        let settings = settings();
        let now = Instant::now();
        let rooms = [room(1), room(2)];
        let logs = backlog.map(|count| (0..count).map(entry).collect::<Vec<_>>());
        let mut cursors = Cursors::new(Seq(0));
        let positions = [0, 1].map(|at: usize| {
            cursors.follow(&rooms[at], Seq(0));
            RoomPosition {
                room: rooms[at].clone(),
                conversation: conversation(at),
                position: Seq(0),
                head: Seq(i64::try_from(logs[at].len()).unwrap()),
            }
        });
        let feed = Feed::new(
            Encoding::Compact,
            Seq(0),
            Seq(0),
            positions.to_vec(),
            now,
            &settings,
        );
        Self {
            settings,
            rooms,
            logs,
            cursors,
            feed,
            now,
            open: BTreeMap::new(),
            seen: Vec::new(),
            ends: 0,
        }
    }

    fn source(&self, at: usize) -> Source {
        Source::Room(self.rooms[at].clone())
    }

    fn append(&mut self, at: usize, reaches: bool) {
        self.logs[at].push(entry(self.logs[at].len()));
        let seq = Seq(i64::try_from(self.logs[at].len()).unwrap());
        let source = self.source(at);
        if reaches {
            let parcel = Arc::new(Parcel::message(named(&self.rooms[at], seq)));
            self.feed.pushed(source, seq, &parcel, self.now, &self.settings);
        } else {
            self.feed.grown(&source, seq);
        }
        self.collect();
    }

    fn read(&mut self) -> bool {
        let Some(request) = self.feed.wants_read(&self.settings, |source| {
            self.cursors
                .get_mut(source)
                .map_or(Seq(0), |cursor| cursor.position())
        }) else {
            return false;
        };
        let at = (0..2)
            .find(|at| request.log == Some(conversation(*at)))
            .expect("only rooms have something to read");
        let first = usize::try_from(request.after.0).unwrap();
        let entries = (first..self.logs[at].len()).take(request.limit).map(|index| {
            let seq = Seq(i64::try_from(index + 1).unwrap());
            InboxCopy {
                seq,
                mid: Some(Mid(seq.0)),
                client_id: None,
                body: Some(named(&self.rooms[at], seq).encode(Encoding::Compact).into()),
            }
        });
        let entries = entries.collect();
        self.feed
            .read(entries, &mut self.cursors, self.now, &self.settings);
        self.collect();
        true
    }

    fn collect(&mut self) {
        while let Some(packet) = self.feed.next_packet() {
            self.take(&packet);
        }
    }

    fn take(&mut self, packet: &[u8]) {
        {
            let packet = ServerPacket::parse(packet).unwrap();
            let messages = match packet.packet_type().unwrap() {
                PacketType::OfflineMsgEnd => {
                    self.ends += 1;
                    return;
                }
                PacketType::OfflineMsg => {
                    let list: TimMessageList = packet.decode(Encoding::Compact).unwrap();
                    list.message_list.unwrap()
                }
                _ => vec![packet.decode(Encoding::Compact).unwrap()],
            };
            for message in messages {
                let node = message.room_tid.unwrap().node;
                let at = self.rooms.iter().position(|room| room.as_str() == node).unwrap();
                let sight = (at, message.mid.unwrap());
                if !self.seen.contains(&sight) {
                    self.seen.push(sight);
                }
            }
            self.open.insert(packet.send_id.unwrap(), ());
        }
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            let read = self.read();
            if self.open.is_empty() && !read {
                return;
            }
            for (send_id, ()) in std::mem::take(&mut self.open) {
                self.feed.acknowledged(send_id, &mut self.cursors);
            }
            self.collect();
        }
        panic!("the feed does not settle");
    }

    fn of(&self, at: usize) -> Vec<i64> {
        let of_room = self.seen.iter().filter(|(room, _)| *room == at);
        of_room.map(|(_, mid)| *mid).collect()
    }
}

fn room(number: u8) -> RoomId {
    RoomId::new(tim_protocol::node::wide_node_from_random([number; 15]))
}

fn conversation(at: usize) -> ConversationId {
    ConversationId([u8::try_from(at).unwrap(); 16])
}

fn named(room: &RoomId, seq: Seq) -> TimMessage {
    TimMessage {
        mid: Some(seq.0),
        room_tid: Some(tim_protocol::wire::Tid {
            node: room.as_str().to_owned(),
            ..Default::default()
        }),
        ..entry(0)
    }
}

#[test]
fn rooms_are_read_in_turns_and_each_in_order() {
    let mut rooms = Rooms::new([100, 40]);
    rooms.feed.request_offline(&rooms.cursors);
    rooms.settle();
    assert_eq!(rooms.of(0), (1..=100).collect::<Vec<_>>());
    assert_eq!(rooms.of(1), (1..=40).collect::<Vec<_>>());
    assert_eq!(rooms.ends, 1, "one marker ends the queue of all logs");
    let last_of_small = rooms.seen.iter().position(|sight| *sight == (1, 40)).unwrap();
    assert!(
        last_of_small < 139,
        "the small room does not wait for the large one"
    );
}

#[test]
fn a_push_goes_through_while_another_room_has_to_be_read_back() {
    let mut rooms = Rooms::new([0, 0]);
    rooms.append(0, false);
    rooms.append(0, true);
    rooms.append(1, true);
    assert_eq!(rooms.seen, [(1, 1)]);
    rooms.settle();
    assert_eq!(rooms.of(0), [1, 2]);
}

#[test]
fn nothing_of_a_room_is_sent_or_repeated_after_it_was_left() {
    let mut rooms = Rooms::new([0, 0]);
    rooms.append(0, true);
    rooms.append(1, true);
    rooms.append(0, false);
    let left = rooms.rooms[0].clone();
    rooms.cursors.leave(&left);
    rooms.feed.left(&left);
    rooms.append(0, true);
    rooms.now += Duration::from_secs(10);
    rooms.feed.tick(rooms.now, &rooms.settings);
    let mut repeated = 0;
    while let Some(packet) = rooms.feed.next_packet() {
        let packet = ServerPacket::parse(&packet).unwrap();
        let message: TimMessage = packet.decode(Encoding::Compact).unwrap();
        assert_eq!(message.room_tid.unwrap().node, rooms.rooms[1].as_str());
        repeated += 1;
    }
    assert_eq!(repeated, 1);
    assert_eq!(rooms.of(0), [1]);
}

#[test]
fn a_room_that_is_joined_again_starts_behind_what_was_there() {
    let mut rooms = Rooms::new([0, 0]);
    rooms.append(0, true);
    let again = rooms.rooms[0].clone();
    rooms.cursors.leave(&again);
    rooms.feed.left(&again);
    rooms.logs[0].extend((0..4).map(entry));
    rooms.cursors.restart(&again, Seq(5));
    rooms.feed.joined(again, conversation(0), Seq(5), Seq(5));
    rooms.append(0, true);
    rooms.settle();
    assert_eq!(rooms.of(0), [1, 6]);
}

#[test]
fn an_own_message_is_confirmed_at_once_however_much_waits_before_it() {
    let mut rooms = Rooms::new([20, 0]);
    rooms.logs[0].push(entry(20));
    let parcel = Arc::new(Parcel::message(named(&rooms.rooms[0], Seq(21))));
    let copy = rooms.feed.confirmed(
        rooms.rooms[0].clone(),
        Seq(21),
        &parcel,
        &mut rooms.cursors,
        rooms.now,
        &rooms.settings,
    );
    rooms.take(&copy);
    assert_eq!(rooms.seen, [(0, 21)]);
    rooms.feed.request_offline(&rooms.cursors);
    rooms.settle();
    assert_eq!(rooms.of(0)[1..], (1..=20).collect::<Vec<_>>());
    assert_eq!(rooms.cursors.room(&rooms.rooms[0]).unwrap().position(), Seq(21));
}

proptest! {
    #[test]
    fn whatever_happens_every_entry_of_every_room_arrives_and_in_order(
        backlog in (0usize..30, 0usize..30),
        steps in proptest::collection::vec((0usize..2, 0u8..6), 0..120),
    ) {
        let mut rooms = Rooms::new([backlog.0, backlog.1]);
        for (at, step) in steps {
            match step {
                0 => rooms.append(at, true),
                1 => rooms.append(at, false),
                2 => { rooms.read(); }
                3 => if let Some((send_id, ())) = rooms.open.pop_first() {
                    rooms.feed.acknowledged(send_id, &mut rooms.cursors);
                    rooms.collect();
                },
                4 => {
                    rooms.feed.request_offline(&rooms.cursors);
                    rooms.collect();
                }
                _ => {
                    rooms.now += Duration::from_secs(4);
                    rooms.feed.tick(rooms.now, &rooms.settings);
                    rooms.collect();
                }
            }
        }
        for _ in 0..2 {
            rooms.feed.request_offline(&rooms.cursors);
            rooms.collect();
            rooms.settle();
        }
        for at in 0..2 {
            let count = i64::try_from(rooms.logs[at].len()).unwrap();
            prop_assert_eq!(rooms.of(at), (1..=count).collect::<Vec<_>>());
            prop_assert_eq!(rooms.cursors.room(&rooms.rooms[at]).unwrap().position(), Seq(count));
        }
    }
}

#[test]
fn the_offline_queue_ends_where_the_logs_ended_when_it_was_asked_for() {
    let mut rooms = Rooms::new([20, 0]);
    rooms.feed.request_offline(&rooms.cursors);
    // The room never rests: whenever something is acknowledged, more has come.
    for _ in 0..30 {
        rooms.append(0, true);
        rooms.read();
        if let Some((send_id, ())) = rooms.open.pop_first() {
            rooms.feed.acknowledged(send_id, &mut rooms.cursors);
            rooms.collect();
        }
    }
    assert_eq!(rooms.ends, 1, "the queue has an end");
    rooms.settle();
    assert_eq!(rooms.of(0), (1..=50).collect::<Vec<_>>());
    assert_eq!(rooms.ends, 1);
}

#[test]
fn what_is_given_up_while_the_offline_queue_is_sent_is_offered_in_it() {
    let mut rooms = Rooms::new([0, 0]);
    rooms.append(0, true);
    rooms.open.clear();
    rooms.append(0, false);
    rooms.now += Duration::from_secs(5);
    // The queue passes the first entry over, because it is on its way.
    rooms.feed.request_offline(&rooms.cursors);
    rooms.read();
    let list = std::mem::take(&mut rooms.open);
    for _ in 0..5 {
        rooms.now += Duration::from_secs(5);
        rooms.feed.tick(rooms.now, &rooms.settings);
        while rooms.feed.next_packet().is_some() {}
    }
    rooms.open = list;
    rooms.settle();
    assert_eq!(rooms.ends, 1);
    let position = rooms.cursors.room(&rooms.rooms[0]).unwrap().position();
    assert_eq!(position, Seq(2), "nothing is left behind");
}

#[test]
fn a_sender_that_acknowledges_nothing_is_confirmed_by_plain_echoes() {
    let mut rooms = Rooms::new([0, 0]);
    for seq in 1..=100 {
        rooms.logs[0].push(entry(0));
        let parcel = Arc::new(Parcel::message(named(&rooms.rooms[0], Seq(seq))));
        let copy = rooms.feed.confirmed(
            rooms.rooms[0].clone(),
            Seq(seq),
            &parcel,
            &mut rooms.cursors,
            rooms.now,
            &rooms.settings,
        );
        let is_synchronous = copy[0] & 0x80 != 0;
        assert_eq!(is_synchronous, seq <= 4, "{seq}");
        assert!(rooms.feed.flight.len() <= rooms.settings.window);
    }
}
