//! The generator against a stand-in server that behaves well or misbehaves in one known way: a
//! generator that does not notice lost messages or a stall would make every figure worthless.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    missing_docs
)]

mod stand_in;

use std::time::Duration;

use stand_in::Fault;
use tim_bench::report::ScenarioReport;
use tim_bench::scenario::Bench;
use tim_bench::scenario::chat_max::ChatMax;
use tim_bench::scenario::chat_rate::ChatRate;
use tim_bench::scenario::joins::Joins;
use tim_bench::scenario::mixed::Mixed;
use tim_bench::scenario::offline_drain::OfflineDrain;
use tim_bench::scenario::overload::Overload;
use tim_bench::scenario::presence_storm::PresenceStorm;
use tim_bench::scenario::room_fanout::{RoomFanout, Variant};
use tim_bench::scenario::room_max::RoomMax;
use tim_bench::scenario::soak::Soak;
use tim_bench::scenario::stream::Stream;
use tim_bench::server_process::Host;

fn bench(fault: Fault) -> Bench {
    Bench {
        host: Host::Running {
            address: stand_in::start(fault),
            pid: std::process::id(),
        },
        parent: std::env::temp_dir(),
        trials: 1,
        run: "test".to_owned(),
        progress: |_| {},
        settle: Duration::from_secs(1),
    }
}

fn chat_rate(fault: Fault) -> ScenarioReport {
    let chat = ChatRate {
        rate: 200,
        pairs: 2,
        seconds: 1,
        warm_up: 0,
        body: 64,
        client_ids: true,
    };
    chat.run(&bench(fault)).unwrap()
}

fn violations(report: &ScenarioReport) -> Vec<&str> {
    report.violations().collect()
}

#[test]
fn well_behaved_server_has_no_violations_and_every_message_is_counted() {
    let report = chat_rate(Fault::None);
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert_eq!(report.figure("messages_verified").unwrap().median, 200.0);
    assert_eq!(report.pooled["echo"].count, 200);
    assert_eq!(report.pooled["delivery"].count, 200);
}

#[test]
fn lost_delivery_is_a_violation() {
    assert_eq!(violations(&chat_rate(Fault::Lose(77))), ["1 deliveries missing"]);
}

#[test]
fn doubled_delivery_is_a_violation() {
    let report = chat_rate(Fault::Double(50));
    assert!(
        violations(&report).contains(&"1 deliveries doubled"),
        "{:?}",
        violations(&report)
    );
}

#[test]
fn deliveries_out_of_order_are_a_violation() {
    let report = chat_rate(Fault::Swap(31));
    assert!(
        violations(&report).contains(&"1 deliveries out of order"),
        "{:?}",
        violations(&report)
    );
}

#[test]
fn refused_message_is_a_violation() {
    let report = chat_rate(Fault::Refuse(9));
    assert!(
        violations(&report).contains(&"1 messages refused with error 5104"),
        "{:?}",
        violations(&report)
    );
}

#[test]
fn stall_shows_in_the_latency_of_every_message_that_was_due_meanwhile() {
    // 600 ms of 1 s: a generator that waits for the answer before it counts the next message
    // would report a single slow one.
    let report = chat_rate(Fault::Stall(40, Duration::from_millis(600)));
    let echo = &report.pooled["echo"];
    assert!(echo.p50_ms > 50.0, "{echo:?}");
    assert!(echo.max_ms >= 590.0, "{echo:?}");
    assert_eq!(violations(&report), Vec::<&str>::new());
}

#[test]
fn closed_loop_counts_and_verifies_what_it_sent() {
    let chat = ChatMax {
        pairs: 2,
        window: 8,
        seconds: 1,
        warm_up: 0,
        body: 64,
        client_ids: false,
    };
    let report = chat.run(&bench(Fault::None)).unwrap();
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert!(report.figure("messages_per_second").unwrap().median > 100.0);
    assert!(
        report.figure("messages_verified").unwrap().median
            >= report.figure("messages_per_second").unwrap().median
    );
}

#[test]
fn closed_loop_notices_a_lost_delivery() {
    let chat = ChatMax {
        pairs: 2,
        window: 8,
        seconds: 1,
        warm_up: 0,
        body: 64,
        client_ids: false,
    };
    let report = chat.run(&bench(Fault::Lose(500))).unwrap();
    assert_eq!(violations(&report), ["1 deliveries missing"]);
}

#[test]
fn drained_queue_is_complete_and_empty_afterwards() {
    let drain = OfflineDrain {
        messages: 95,
        window: 7,
        body: 64,
    };
    let report = drain.run(&bench(Fault::None)).unwrap();
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert_eq!(report.figure("messages_verified").unwrap().median, 95.0);
    assert_eq!(report.figure("batches").unwrap().median, 10.0);
}

#[test]
fn drain_notices_lost_and_doubled_messages() {
    let drain = OfflineDrain {
        messages: 95,
        window: 7,
        body: 64,
    };
    assert_eq!(
        violations(&drain.run(&bench(Fault::Lose(3))).unwrap()),
        ["1 messages missing"]
    );
    let doubled = drain.run(&bench(Fault::Double(3))).unwrap();
    assert!(
        violations(&doubled).contains(&"1 messages doubled"),
        "{:?}",
        violations(&doubled)
    );
}

fn room_fanout(fault: Fault, variants: &[Variant]) -> ScenarioReport {
    let rooms = RoomFanout {
        members: vec![10],
        rate: 20,
        seconds: 1,
        body: 150,
        variants: variants.to_vec(),
    };
    rooms.run(&bench(fault)).unwrap().remove(0)
}

#[test]
fn last_receiver_of_every_room_message_is_waited_for() {
    let report = room_fanout(Fault::None, &[Variant::Plain, Variant::LateAcks, Variant::Mute]);
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert_eq!(report.name, "room-fanout-10");
    assert_eq!(report.figure("deliveries_verified").unwrap().median, 600.0);
    for variant in ["plain", "late_acks", "mute"] {
        assert_eq!(report.pooled[&format!("{variant}_last_receiver")].count, 20);
        assert_eq!(report.pooled[&format!("{variant}_each_receiver")].count, 200);
    }
    assert!(report.figure("mute_change_percent").is_some());
}

#[test]
fn room_members_who_were_offline_find_every_message() {
    let report = room_fanout(Fault::None, &[Variant::HalfOffline]);
    assert_eq!(violations(&report), Vec::<&str>::new());
    // Five were online; the other five missed these messages and those that nobody saw.
    assert_eq!(report.figure("half_offline_drained").unwrap().median, 5.0 * 420.0);
    assert!(report.figure("all_offline_disk_bytes_per_message").is_some());
}

#[test]
fn wrong_room_deliveries_are_violations() {
    let plain = |fault| {
        let report = room_fanout(fault, &[Variant::Plain]);
        violations(&report).join("; ")
    };
    assert_eq!(plain(Fault::Lose(57)), "1 plain_room deliveries missing");
    assert_eq!(
        plain(Fault::Double(57)),
        "1 plain_room deliveries doubled; 1 plain_message numbers (mid) that did not rise"
    );
    assert_eq!(
        plain(Fault::Swap(57)),
        "1 plain_room deliveries out of order; 1 plain_message numbers (mid) that did not rise"
    );
}

#[test]
fn message_missing_in_the_offline_queue_of_one_member_is_a_violation() {
    // 20 messages to ten members are 200 deliveries; of the ten of each later message the second
    // is for the first of those who come back.
    let report = room_fanout(Fault::Lose(352), &[Variant::HalfOffline]);
    assert_eq!(
        violations(&report),
        ["1 half_offline_drain_room deliveries missing"]
    );
}

#[test]
fn closed_loop_of_rooms_counts_deliveries_and_notices_a_lost_one() {
    let max = |fault| {
        let rooms = RoomMax {
            rooms: vec!["2x5".to_owned()],
            window: 2,
            seconds: 1,
            warm_up: 0,
            body: 150,
            variants: vec![Variant::Plain, Variant::Mute],
        };
        rooms.run(&bench(fault)).unwrap().remove(0)
    };
    let report = max(Fault::None);
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert!(report.figure("plain_deliveries_per_second").unwrap().median > 100.0);
    assert!(report.figure("mute_loss_percent").is_some());
    assert_eq!(
        violations(&max(Fault::Lose(300))),
        ["1 plain_room deliveries missing"]
    );
}

#[test]
fn joins_are_counted_and_the_list_of_members_is_complete() {
    let joins = Joins {
        members: 30,
        parallel: 4,
        rooms: 3,
        lists: 5,
    };
    let report = joins.run(&bench(Fault::None)).unwrap();
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert_eq!(report.pooled["one_room_join"].count, 29);
    assert_eq!(report.pooled["many_rooms_join"].count, 12);
    assert_eq!(report.pooled["member_list"].count, 5);
}

fn stream(fault: Fault) -> ScenarioReport {
    let stream = Stream {
        subscribers: 5,
        megabytes: 2,
        chunk: 64 << 10,
        seconds: 1,
    };
    stream.run(&bench(fault)).unwrap()
}

#[test]
fn chunks_of_both_forms_reach_all_subscribers_that_read() {
    let report = stream(Fault::None);
    assert_eq!(violations(&report), Vec::<&str>::new());
    // 31 chunks a second: 2 MB/s in pieces of 64 KiB.
    assert_eq!(report.pooled["binary_chunk"].count, 31 * 5);
    assert_eq!(report.pooled["structured_chunk"].count, 31 * 5);
    assert_eq!(report.pooled["one_never_reads_chunk"].count, 31 * 4);
    assert_eq!(report.figure("binary_chunks_dropped").unwrap().median, 0.0);
}

#[test]
fn dropped_chunk_is_counted_as_dropped() {
    let report = stream(Fault::Drop(40));
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert_eq!(report.figure("binary_chunks_dropped").unwrap().median, 1.0);
    assert_eq!(report.figure("structured_chunks_dropped").unwrap().median, 0.0);
}

fn presence_storm(fault: Fault) -> ScenarioReport {
    let storm = PresenceStorm {
        people: 20,
        friends: 6,
        within: 1,
        quiet: 1,
        chat_rate: 50,
        chat_pairs: 2,
    };
    storm.run(&bench(fault)).unwrap()
}

#[test]
fn presences_reach_the_friends_who_are_online() {
    let report = presence_storm(Fault::None);
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert_eq!(report.pooled["login"].count, 20);
    // Of two friends the later one tells the earlier one.
    assert_eq!(report.figure("presences_received").unwrap().median, 60.0);
    assert_eq!(report.figure("presences_dropped").unwrap().median, 0.0);
    assert!(report.pooled["storm_chat_echo"].count >= 50);
}

#[test]
fn dropped_presence_is_counted_as_dropped() {
    let report = presence_storm(Fault::Drop(17));
    assert_eq!(report.figure("presences_received").unwrap().median, 59.0);
    assert_eq!(report.figure("presences_dropped").unwrap().median, 1.0);
}

fn overload(fault: Fault, settle: Duration) -> ScenarioReport {
    let overload = Overload {
        pairs: 2,
        window: 8,
        seconds: 1,
        warm_up: 0,
        body: 64,
        client_queue: 4 << 10,
    };
    let patient = Bench {
        settle,
        ..bench(fault)
    };
    overload.run(&patient).unwrap()
}

#[test]
fn refused_message_under_overload_is_counted_and_no_violation() {
    let report = overload(Fault::Refuse(300), Duration::from_secs(30));
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert!(
        report
            .figure("load_2x_goodput_messages_per_second")
            .unwrap()
            .median
            > 100.0
    );
    assert!(report.figure("load_1x_refused").is_some());
}

#[test]
fn acknowledged_message_lost_under_overload_is_a_violation() {
    assert_eq!(
        violations(&overload(Fault::Lose(300), Duration::from_secs(6))),
        ["1 messages echoed but not delivered, or delivered but not echoed"]
    );
}

#[test]
fn mixed_load_reports_every_latency() {
    let mixed = Mixed {
        seconds: 2,
        pairs: 2,
        chat_rate: 50,
        rooms: 1,
        room_rate: 5,
        people: 10,
        friends: 4,
        subscribers: 3,
        stream_kilobytes: 100,
    };
    let report = mixed.run(&bench(Fault::None)).unwrap();
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert_eq!(report.pooled["chat_echo"].count, 100);
    assert_eq!(report.pooled["room_last_receiver"].count, 10);
    assert_eq!(report.pooled["login"].count, 10);
    assert_eq!(report.pooled["presence"].count, 20);
    assert_eq!(report.pooled["stream_chunk"].count, 14 * 3);
}

fn soak(fault: Fault) -> ScenarioReport {
    let soak = Soak {
        deliveries: 20_000,
        at_least: 0,
        minutes: 1,
        people: 60,
        rooms: 4,
        window: 2,
        cuts: 150,
        moves: 60,
    };
    soak.run(&bench(fault)).unwrap()
}

#[test]
fn soak_of_a_well_behaved_server_finds_nothing() {
    let report = soak(Fault::None);
    assert_eq!(violations(&report), Vec::<&str>::new());
    assert!(report.figure("deliveries_verified").unwrap().median >= 20_000.0);
    assert!(report.figure("cut_off").unwrap().median > 0.0);
    // Those who acknowledge nothing before they are cut off get the same again.
    assert!(report.figure("repeats_after_reconnecting").unwrap().median > 0.0);
    assert!(report.figure("joins").unwrap().median > 0.0);
    assert!(report.figure("leaves").unwrap().median > 0.0);
}

#[test]
fn soak_finds_a_lost_a_doubled_and_a_misplaced_delivery() {
    // How often a double is seen depends on whether its receiver is cut off before it acknowledges.
    for (fault, what) in [
        (Fault::Lose(9_000), " deliveries missing"),
        (
            Fault::Double(9_000),
            " deliveries doubled or out of order on one connection",
        ),
        (Fault::Swap(9_000), " deliveries missing"),
    ] {
        let report = soak(fault);
        let found = violations(&report);
        assert!(
            found.iter().any(|violation| violation.ends_with(what)),
            "{fault:?}: {found:?}"
        );
    }
}

#[test]
fn soak_finds_deliveries_after_leaving() {
    let report = soak(Fault::Haunt(9_000));
    let found = violations(&report);
    assert!(
        found
            .iter()
            .any(|what| what.ends_with("deliveries after leaving")),
        "{found:?}"
    );
}
