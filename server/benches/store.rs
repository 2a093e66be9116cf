//! The durable store under load.
//!
//! `cargo bench -p tim-server --bench store` measures single operations with criterion.
//! `cargo bench -p tim-server --bench store -- load` measures the sustained load of a busy
//! server: messages per second and CPU time for each, one append with client number and one
//! inbox reference, later one acknowledged position. Pin it to one core with `taskset -c 0` to see
//! what a single core gives.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark fails by panicking and prints figures"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput};
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use tim_protocol::node::wide_account_node;
use tim_server::engine::identity::Identity;
use tim_server::store::{
    AccountId, Advance, Append, Appended, ConversationId, DeviceKey, MasterKeySource, Membership,
    MembershipChange, MembershipChanged, NewRoom, RoomAdvance, RoomId, RoomKind, Seq, SqliteOptions,
    SqliteStore, Store, Timestamp, UpperBound,
};
use tokio::runtime::Runtime;

/// Size of a compact `TimMessage` with a sentence of text, in bytes.
const BODY: usize = 160;

struct Bench {
    store: Arc<SqliteStore>,
    pairs: Vec<Pair>,
    next_client_id: AtomicI64,
    _folder: TempDir,
}

struct Pair {
    sender: AccountId,
    receiver: AccountId,
    conversation: ConversationId,
    device: DeviceKey,
}

impl Bench {
    fn new(pairs: usize) -> Self {
        // The folder of the build, because /tmp is a RAM disk on some machines.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let source = MasterKeySource::File(folder.path().join("master.key"));
        let options = SqliteOptions::new(folder.path().join("tim.db"));
        let store = Arc::new(SqliteStore::open(&options, &source).unwrap());
        let identity = Identity::new(*store.installation_key().as_bytes());
        let account = |name: String| AccountId::new(wide_account_node(&[1; 32], "", &name));
        let pairs = (0..pairs)
            .map(|number| {
                let (sender, receiver) = (account(format!("s{number}")), account(format!("r{number}")));
                let conversation = identity.conversation(&sender, &receiver);
                Pair {
                    sender,
                    receiver,
                    conversation,
                    device: DeviceKey("phone".into()),
                }
            })
            .collect();
        Self {
            store,
            pairs,
            next_client_id: AtomicI64::new(1),
            _folder: folder,
        }
    }

    fn message(&self, pair: usize) -> Append {
        let pair = &self.pairs[pair % self.pairs.len()];
        let number = self.next_client_id.fetch_add(1, Ordering::Relaxed);
        Append {
            conversation: pair.conversation,
            sender: pair.sender.clone(),
            client_id: Some(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed())),
            timestamp: Timestamp(1_700_000_000_000_000_000 + number),
            body: Bytes::from(vec![b'x'; BODY]),
            inboxes: vec![pair.receiver.clone()],
            file: None,
        }
    }

    fn batch(&self, size: usize) -> Vec<Append> {
        let first = usize::try_from(rand::random::<u32>()).unwrap();
        // Consecutive messages of a batch belong to unrelated pairs.
        (0..size)
            .map(|number| self.message(first.wrapping_add(number.wrapping_mul(7919))))
            .collect()
    }

    fn advance(&self, pair: usize, position: Seq) -> Advance {
        let pair = &self.pairs[pair % self.pairs.len()];
        Advance {
            owner: pair.receiver.clone(),
            device: pair.device.clone(),
            position,
            seen: Timestamp(1_700_000_000_000_000_000),
        }
    }
}

fn single_operations(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let bench = Bench::new(1000);
    let mut group = criterion.benchmark_group("append");
    for size in [1, 16, 128, 512] {
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(size.to_string(), |bencher| {
            bencher.to_async(&runtime).iter_batched(
                || bench.batch(size),
                |batch| async { bench.store.append(batch).await.unwrap() },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("read");
    let reader = Bench::new(1);
    runtime.block_on(reader.store.append(reader.batch(1000))).unwrap();
    let pair = &reader.pairs[0];
    group.bench_function("inbox of 10", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            reader
                .store
                .read_inbox(&pair.receiver, Seq(500), 10, 1 << 20)
                .await
                .unwrap()
        });
    });
    group.bench_function("history of 50", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            reader
                .store
                .history(&pair.conversation, UpperBound::Newest, 50, usize::MAX)
                .await
                .unwrap()
        });
    });
    group.bench_function("inbox state", |bencher| {
        bencher
            .to_async(&runtime)
            .iter(|| async { reader.store.inbox_state(&pair.receiver).await.unwrap() });
    });
    group.finish();

    let mut group = criterion.benchmark_group("advance");
    let mut position = 0;
    group.throughput(Throughput::Elements(128));
    group.bench_function("128 owners", |bencher| {
        bencher.to_async(&runtime).iter_batched(
            || {
                position += 1;
                (0..128)
                    .map(|pair| bench.advance(pair, Seq(position)))
                    .collect::<Vec<_>>()
            },
            |advances| async { bench.store.advance(advances).await.unwrap() },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Members of the large room.
const MEMBERS: usize = 10_000;
/// Joins that are under way at the same time.
const JOINS: usize = 1000;

fn member(number: usize) -> AccountId {
    AccountId::new(wide_account_node(&[1; 32], "", &format!("m{number}")))
}

fn room(number: usize) -> (RoomId, ConversationId) {
    let id = RoomId::new(wide_account_node(&[2; 32], "", &format!("room {number}")));
    (id, ConversationId((number as u128).to_be_bytes()))
}

async fn create_room(store: &SqliteStore, number: usize) {
    let (id, conversation) = room(number);
    let new = NewRoom {
        id,
        conversation,
        domain: String::new(),
        kind: RoomKind::Open,
        founder: member(0),
        created: Timestamp(1),
        profile: Bytes::from_static(b"topic"),
    };
    assert!(store.create_room(new).await.unwrap());
}

fn join(number: usize, account: AccountId) -> MembershipChange {
    let (room, conversation) = room(number);
    MembershipChange {
        room,
        conversation,
        account,
        expected: Membership::default(),
        becomes: Membership::MEMBER,
        notices: Vec::new(),
    }
}

/// Each change from a task of its own, all at once.
async fn change_all(store: &Arc<SqliteStore>, changes: Vec<MembershipChange>) {
    let tasks: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.change_membership(change).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert!(matches!(task.await.unwrap(), MembershipChanged::Done { .. }));
    }
}

fn room_operations(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let bench = Bench::new(1);
    let store = &bench.store;
    let phone = || DeviceKey("phone".into());
    let advance = |number, position| RoomAdvance {
        owner: member(number),
        device: phone(),
        room: room(0).0,
        position: Seq(position),
    };
    runtime.block_on(async {
        create_room(store, 0).await;
        let numbers: Vec<usize> = (1..MEMBERS).collect();
        for some in numbers.chunks(JOINS) {
            let joins = some.iter().map(|number| join(0, member(*number)));
            change_all(store, joins.collect()).await;
        }
        let devices = (0..MEMBERS).map(|number| Advance {
            owner: member(number),
            device: phone(),
            position: Seq(0),
            seen: Timestamp(1),
        });
        store.advance(devices.collect()).await.unwrap();
        for number in 1..100 {
            create_room(store, number).await;
        }
    });
    let mut group = criterion.benchmark_group("room");
    group.bench_function("append one message", |bencher| {
        let message = || Append {
            conversation: room(0).1,
            inboxes: Vec::new(),
            ..bench.message(0)
        };
        bencher.to_async(&runtime).iter_batched(
            || vec![message()],
            |batch| async { store.append(batch).await.unwrap() },
            BatchSize::PerIteration,
        );
    });
    group.sample_size(10);
    group.throughput(Throughput::Elements(MEMBERS as u64));
    group.bench_function("list of 10,000 members", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let members = store.room_members(&room(0).0, None, MEMBERS).await.unwrap();
            assert_eq!(members.len(), MEMBERS);
            members
        });
    });
    let mut position = 0;
    group.bench_function("positions of 10,000 members", |bencher| {
        bencher.to_async(&runtime).iter_batched(
            || {
                position += 1;
                (0..MEMBERS)
                    .map(|number| advance(number, position))
                    .collect::<Vec<_>>()
            },
            |advances| async { store.advance_rooms(advances).await.unwrap() },
            BatchSize::PerIteration,
        );
    });
    group.throughput(Throughput::Elements(JOINS as u64));
    let mut joined = MEMBERS;
    group.bench_function("1,000 joins at once", |bencher| {
        bencher.to_async(&runtime).iter_batched(
            || {
                joined += JOINS;
                (joined - JOINS..joined)
                    .map(|number| join(1, member(number)))
                    .collect::<Vec<_>>()
            },
            |joins| change_all(store, joins),
            BatchSize::PerIteration,
        );
    });
    group.throughput(Throughput::Elements(100));
    group.bench_function("positions in 100 rooms", |bencher| {
        let (owner, phone) = (member(0), phone());
        bencher
            .to_async(&runtime)
            .iter(|| async { store.room_positions(&owner, &phone).await.unwrap() });
    });
    group.finish();
    let (wall, cpu) = (Instant::now(), cpu_time());
    let before = store.statistics();
    let numbers: Vec<usize> = (0..10 * JOINS).collect();
    runtime.block_on(async {
        for some in numbers.chunks(JOINS) {
            let joins = some.iter().map(|number| join(2, member(*number + 1)));
            change_all(store, joins.collect()).await;
        }
    });
    let groups = store.statistics().groups - before.groups;
    println!(
        "{} joins: {:.0}/s, {:.1} us CPU each, {groups} commits",
        numbers.len(),
        numbers.len() as f64 / wall.elapsed().as_secs_f64(),
        (cpu_time() - cpu).as_secs_f64() * 1e6 / numbers.len() as f64,
    );
    runtime.block_on(store.close());
}

/// CPU time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
}

/// Sustained load: some tasks append batches, acknowledge them, and go on at once.
fn load(pairs: usize, tasks: usize, batch: usize, messages: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let bench = Arc::new(Bench::new(pairs));
    runtime.block_on(async {
        run(&bench, tasks, batch, messages / 10).await;
        let before = bench.store.statistics();
        let (wall, cpu) = (Instant::now(), cpu_time());
        let mut latencies = run(&bench, tasks, batch, messages).await;
        let (wall, cpu) = (wall.elapsed(), cpu_time() - cpu);
        let after = bench.store.statistics();
        latencies.sort_unstable();
        let rate = messages as f64 / wall.as_secs_f64();
        let micros = cpu.as_secs_f64() * 1e6 / messages as f64;
        println!(
            "pairs {pairs:6}  tasks {tasks:4} x {batch:4}  {rate:9.0} msg/s  {micros:6.2} us CPU/msg  \
             {:6.1} msg/commit  append p50 {:?} p99 {:?}  log {} MiB",
            messages as f64 / (after.groups - before.groups) as f64,
            latencies[latencies.len() / 2],
            latencies[latencies.len() * 99 / 100],
            after.wal_pages / 256,
        );
    });
    runtime.block_on(bench.store.close());
}

async fn run(bench: &Arc<Bench>, tasks: usize, batch: usize, messages: usize) -> Vec<Duration> {
    let rounds = messages / tasks / batch;
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let bench = Arc::clone(bench);
            tokio::spawn(async move {
                let mut latencies = Vec::with_capacity(rounds);
                for _ in 0..rounds {
                    let appends = bench.batch(batch);
                    let owners: Vec<_> = appends.iter().map(|append| append.inboxes[0].clone()).collect();
                    let begun = Instant::now();
                    let outcomes = bench.store.append(appends).await.unwrap();
                    latencies.push(begun.elapsed());
                    let advances = owners.into_iter().zip(outcomes).map(|(owner, outcome)| {
                        let Appended::Stored { seqs, .. } = outcome else {
                            panic!("no repeats here")
                        };
                        Advance {
                            owner,
                            device: DeviceKey("phone".into()),
                            position: seqs[0],
                            seen: Timestamp(1_700_000_000_000_000_000),
                        }
                    });
                    bench.store.advance(advances.collect()).await.unwrap();
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for task in running {
        latencies.extend(task.await.unwrap());
    }
    latencies
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "load") {
        let numbers: Vec<usize> = arguments
            .iter()
            .filter_map(|argument| argument.parse().ok())
            .collect();
        if let [pairs, tasks, batch, messages] = numbers[..] {
            load(pairs, tasks, batch, messages);
            return;
        }
        for pairs in [100, 1000, 10_000] {
            load(pairs, 2, 128, 200_000);
            load(pairs, 64, 32, 200_000);
            load(pairs, 256, 1, 200_000);
        }
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    single_operations(&mut criterion);
    room_operations(&mut criterion);
    criterion.final_summary();
}
