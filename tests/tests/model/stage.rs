//! Plays a script on a real server: real accounts, real sockets, and after every step a comparison with the
//! model. It answers what was different instead of panicking, so that the script can be made shorter.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tim_protocol::ErrorCode;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::{TimAck, TimMessage, TimReq, TimRoomBean};
use tim_tests::chat::{history_request, message, tid, words};
use tim_tests::people::operation;
use tim_tests::rooms::{room_change, room_message, room_operation};
use tim_tests::{Client, Encoding, Person, Received, Server, secrets};

use crate::model::{Answer, Conversation, Mistake, Model, Sight, Verdict, recall_address};
use crate::script::{Address, Device, FriendDeed, ROOMS, RoomDeed, Script, Step};

/// What was different, or what broke.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// So many steps are done at most before everybody reads.
const STEPS_UNREAD: usize = 8;

/// Plays a script with new accounts. What is missing is waited for as long as `patience`.
pub(crate) async fn play(
    server: &Arc<Server>,
    script: &Script,
    mistake: Mistake,
    patience: Duration,
) -> Outcome {
    let (server, script) = (Arc::clone(server), script.clone());
    // A task of its own: what the testkit panics about is a difference like any other.
    let task = tokio::spawn(async move {
        let mut stage = Stage::set_up(&server, &script, mistake, patience).await?;
        stage.run(&script).await
    });
    match task.await {
        Ok(outcome) => outcome,
        Err(error) => {
            let panic = error.into_panic();
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            Err(text.unwrap_or_else(|| "a panic".to_owned()))
        }
    }
}

struct Stage {
    server: Arc<Server>,
    people: Vec<Person>,
    /// Connections of the devices that are online.
    clients: Vec<Vec<Option<Client>>>,
    /// What devices have seen that was not compared yet.
    seen: Vec<Vec<Vec<Sight>>>,
    rooms: Vec<Option<String>>,
    model: Model,
    json_first: bool,
    patience: Duration,
}

/// What has to be answered.
#[derive(Clone, Debug)]
struct Reply {
    kind: PacketType,
    refused: Option<ErrorCode>,
    t: Option<i64>,
    n: Option<String>,
    n2: Option<String>,
}

impl Stage {
    async fn set_up(
        server: &Arc<Server>,
        script: &Script,
        mistake: Mistake,
        patience: Duration,
    ) -> Outcome<Self> {
        let mut stage = Self {
            server: Arc::clone(server),
            people: Vec::new(),
            clients: Vec::new(),
            seen: script
                .devices
                .iter()
                .map(|&count| vec![Vec::new(); count])
                .collect(),
            rooms: vec![None; ROOMS],
            model: Model::new(script, mistake),
            json_first: script.json_first,
            patience,
        };
        for &count in &script.devices {
            stage.people.push(Person::register(server).await);
            stage.clients.push((0..count).map(|_| None).collect());
        }
        for device in stage.devices() {
            stage.log_on(device).await?;
        }
        Ok(stage)
    }

    async fn run(&mut self, script: &Script) -> Outcome {
        let mut unread = 0;
        for step in &script.steps {
            let at = |what: String| format!("at the step `{step:?}`: {what}");
            unread += 1;
            if Model::unsettles(step) || unread > STEPS_UNREAD {
                self.settle_all().await.map_err(at)?;
                unread = 0;
            }
            self.step(step).await.map_err(at)?;
        }
        let at = |what: String| format!("in the end: {what}");
        self.settle_all().await.map_err(at)?;
        for device in self.devices() {
            self.come_back(device).await.map_err(at)?;
        }
        self.look().await.map_err(at)
    }

    fn devices(&self) -> Vec<Device> {
        let of = |(user, clients): (usize, &Vec<Option<Client>>)| {
            (0..clients.len()).map(move |number| Device { user, number })
        };
        self.clients.iter().enumerate().flat_map(of).collect()
    }

    fn client(&mut self, device: Device) -> Outcome<&mut Client> {
        let client = self.clients[device.user][device.number].as_mut();
        client.ok_or_else(|| format!("{device:?} is offline"))
    }

    fn node(&self, user: usize) -> &str {
        &self.people[user].node
    }

    fn room(&self, room: usize) -> Outcome<&str> {
        self.rooms[room]
            .as_deref()
            .ok_or_else(|| format!("r{room} was not created"))
    }

    fn user_at(&self, node: &str) -> Outcome<usize> {
        let at = self.people.iter().position(|person| person.node == node);
        at.ok_or_else(|| format!("{node} is nobody here"))
    }

    fn room_at(&self, node: &str) -> Outcome<usize> {
        let at = self.rooms.iter().position(|room| room.as_deref() == Some(node));
        at.ok_or_else(|| format!("{node} is no room here"))
    }

    async fn step(&mut self, step: &Step) -> Outcome {
        match step {
            Step::LogOff(device) => {
                self.model.online[device.user][device.number] = false;
                if let Some(client) = self.clients[device.user][device.number].take() {
                    client.close().await;
                }
                return Ok(());
            }
            Step::LogOn(device) => return self.come_back(*device).await,
            Step::Restart => return self.restart().await,
            Step::Look => return self.look().await,
            _ => {}
        }
        let verdict = self.model.apply(step);
        let (by, replies) = match (step, &verdict) {
            (_, Verdict::Skip) => return Ok(()),
            (Step::Friend { by, deed, whom }, _) => {
                (*by, vec![self.do_friend(*by, *deed, *whom, &verdict).await?])
            }
            (Step::Room { by, deed, room }, _) => {
                (*by, vec![self.do_room(*by, deed, *room, &verdict).await?])
            }
            (Step::Say { by, to, first, count }, _) => {
                let mut replies = Vec::new();
                for number in *first..first + count {
                    replies.push(self.do_say(*by, *to, number, &verdict).await?);
                }
                (*by, replies)
            }
            (Step::Repeat { by, message }, _) => {
                let sent = self.model.sent(*message).ok_or("no such message")?;
                (*by, vec![self.do_say(*by, sent.to, *message, &verdict).await?])
            }
            (Step::Recall { by, message }, _) => (*by, vec![self.do_recall(*by, *message, &verdict).await?]),
            _ => return Ok(()),
        };
        let replies: Vec<Reply> = replies.into_iter().flatten().collect();
        let answers = self.answers(by, replies.len()).await?;
        self.compare(step, &replies, &answers)
    }

    /// The answers to a request, of which there must be so many, when the device has also seen what it has to.
    async fn answers(&mut self, by: Device, count: usize) -> Outcome<Vec<Received>> {
        let patient_until = Instant::now() + self.patience;
        let mut answers = Vec::new();
        loop {
            answers.extend(self.read(by).await?);
            let due = self.model.due[by.user][by.number].len();
            let has_all = answers.len() >= count && self.seen[by.user][by.number].len() >= due;
            if has_all || answers.len() > count || Instant::now() > patient_until {
                return Ok(answers);
            }
        }
    }

    fn compare(&mut self, step: &Step, replies: &[Reply], answers: &[Received]) -> Outcome {
        if replies.len() != answers.len() {
            return Err(format!("expected the answers {replies:?}, got {answers:?}"));
        }
        for (reply, received) in replies.iter().zip(answers) {
            let ack: TimAck = received.ack();
            let mut is_right = ack.tim_type == reply.kind.as_i8()
                && ack.ok == reply.refused.is_none()
                && ack.error_code() == reply.refused
                && (reply.t.is_none() || ack.t == reply.t);
            if let Step::Room {
                deed: RoomDeed::Create { .. },
                room,
                ..
            } = step
            {
                is_right &= ack.n.is_some();
                self.rooms[*room] = ack.n.clone();
            } else {
                is_right &= (&ack.n, &ack.n2) == (&reply.n, &reply.n2);
            }
            if !is_right {
                return Err(format!("expected {reply:?}, got {ack:?}"));
            }
        }
        Ok(())
    }

    async fn do_friend(
        &mut self,
        by: Device,
        deed: FriendDeed,
        whom: usize,
        verdict: &Verdict,
    ) -> Outcome<Option<Reply>> {
        let node = self.node(whom).to_owned();
        let (rtype, text) = match deed {
            FriendDeed::Add => (operation::ADD, Some(secrets::text("let us be friends"))),
            FriendDeed::Remove => (operation::REMOVE, None),
            FriendDeed::Block => (operation::BLOCK, None),
        };
        self.client(by)?
            .request(rtype, Some(&node), text.as_deref())
            .await;
        let done = |t| Reply {
            kind: PacketType::Business,
            refused: None,
            t: Some(t),
            n: Some(node),
            n2: None,
        };
        Ok(match verdict {
            Verdict::Skip | Verdict::Answer(Answer::Nothing) => None,
            Verdict::Answer(Answer::Done) => Some(done(i64::from(rtype))),
            Verdict::Answer(Answer::Friends) => Some(done(operation::FRIENDS)),
            Verdict::Refused(code) => Some(plain_refusal(PacketType::Business, *code)),
        })
    }

    async fn do_room(
        &mut self,
        by: Device,
        deed: &RoomDeed,
        room: usize,
        verdict: &Verdict,
    ) -> Outcome<Option<Reply>> {
        let (rtype, whom) = match deed {
            RoomDeed::Create { private } => {
                let request = TimReq {
                    rtype: Some(room_operation::NEW),
                    node: Some(secrets::text("a room")),
                    req_int: Some(if *private { 1 } else { 2 }),
                    ..TimReq::default()
                };
                self.client(by)?.send(PacketType::Business, &request).await;
                return Ok(Some(Reply {
                    kind: PacketType::Business,
                    refused: None,
                    t: Some(i64::from(room_operation::NEW)),
                    n: None,
                    n2: None,
                }));
            }
            RoomDeed::Appoint(managers) => {
                self.send_managers(by, room, managers).await?;
                return Ok(Some(match verdict {
                    Verdict::Refused(code) => plain_refusal(PacketType::Nodes, *code),
                    _ => Reply {
                        kind: PacketType::Nodes,
                        refused: None,
                        t: Some(7),
                        n: None,
                        n2: None,
                    },
                }));
            }
            RoomDeed::Join => (room_operation::JOIN, None),
            RoomDeed::Leave => (room_operation::LEAVE, None),
            RoomDeed::Block => (room_operation::BLOCK_ROOM, None),
            RoomDeed::Dissolve => (room_operation::DISSOLVE, None),
            RoomDeed::Pull(whom) => (room_operation::PULL, Some(*whom)),
            RoomDeed::Reject(whom) => (room_operation::REJECT, Some(*whom)),
            RoomDeed::Kick(whom) => (room_operation::KICK, Some(*whom)),
            RoomDeed::BlockMember(whom) => (room_operation::BLOCK_MEMBER, Some(*whom)),
        };
        let node = self.room(room)?.to_owned();
        let whom = whom.map(|whom| self.node(whom).to_owned());
        let text = secrets::text("because");
        self.client(by)?
            .room_request(rtype, &node, whom.as_deref(), Some(&text))
            .await;
        let refused = match verdict {
            Verdict::Skip | Verdict::Answer(Answer::Nothing) => return Ok(None),
            Verdict::Answer(_) => None,
            Verdict::Refused(code) => Some(*code),
        };
        Ok(Some(Reply {
            kind: PacketType::Business,
            refused,
            t: Some(i64::from(rtype)),
            n: Some(node),
            n2: whom,
        }))
    }

    async fn send_managers(&mut self, by: Device, room: usize, managers: &[usize]) -> Outcome {
        let managers: Vec<String> = managers.iter().map(|&user| self.node(user).to_owned()).collect();
        let room = self.room(room)?.to_owned();
        let client = self.client(by)?;
        match client.encoding {
            Encoding::Compact => {
                let profile = TimRoomBean {
                    managers: Some(managers),
                    ..TimRoomBean::default()
                };
                client.send(PacketType::Nodes, &room_change(&room, profile)).await;
            }
            // The codec leaves out an empty list, which means something here.
            Encoding::Json => {
                let request =
                    format!("{{\"ntype\":7,\"roommap\":{{{room:?}:{{\"managers\":{managers:?}}}}}}}");
                let kind = PacketType::Nodes.as_u8() | Encoding::Json.flag();
                client.send_raw([&[kind], request.as_bytes()].concat()).await;
            }
        }
        Ok(())
    }

    fn addressed(&self, to: Address, number: usize) -> Outcome<TimMessage> {
        let words = format!("m{number}");
        Ok(match to {
            Address::User(user) => message(self.node(user), &words),
            Address::Fellow { user, room } => TimMessage {
                room_tid: Some(tid(self.room(room)?)),
                ..message(self.node(user), &words)
            },
            Address::Room(room) => room_message(self.room(room)?, &words),
        })
    }

    async fn do_say(
        &mut self,
        by: Device,
        to: Address,
        number: usize,
        verdict: &Verdict,
    ) -> Outcome<Option<Reply>> {
        let id = 1_000 + i64::try_from(number).map_err(|error| error.to_string())?;
        let message = TimMessage {
            id: Some(id),
            ..self.addressed(to, number)?
        };
        self.client(by)?.send_message(&message).await;
        Ok(match verdict {
            Verdict::Refused(code) => Some(Reply {
                t: Some(id),
                ..plain_refusal(PacketType::Message, *code)
            }),
            _ => None,
        })
    }

    async fn do_recall(&mut self, by: Device, number: usize, verdict: &Verdict) -> Outcome<Option<Reply>> {
        let sent = self.model.sent(number).ok_or("no such message")?;
        let mid = i64::try_from(sent.mid()).map_err(|error| error.to_string())?;
        let recall = TimMessage {
            od_type: 2,
            mid: Some(mid),
            data_string: None,
            ..self.addressed(recall_address(by.user, sent), number)?
        };
        self.client(by)?.send(PacketType::RevokeMessage, &recall).await;
        Ok(match verdict {
            Verdict::Refused(code) => Some(plain_refusal(PacketType::RevokeMessage, *code)),
            _ => None,
        })
    }

    /// Reads everything that is there for a device; answers to requests are given back.
    async fn read(&mut self, device: Device) -> Outcome<Vec<Received>> {
        let mut answers = Vec::new();
        for received in self.client(device)?.drain().await {
            let sight = match received.kind {
                PacketType::Message => self.sight(device, &received.message())?,
                PacketType::Ack => match self.recalled(&received.ack())? {
                    Some(sight) => sight,
                    None => {
                        answers.push(received);
                        continue;
                    }
                },
                _ => {
                    answers.push(received);
                    continue;
                }
            };
            self.seen[device.user][device.number].push(sight);
        }
        Ok(answers)
    }

    fn recalled(&self, ack: &TimAck) -> Outcome<Option<Sight>> {
        if ack.tim_type != PacketType::RevokeMessage.as_i8() || !ack.ok {
            return Ok(None);
        }
        let (Some(node), Some(3), Some(mid)) = (&ack.n, ack.t, ack.t2) else {
            return Err(format!("not the answer to a recall: {ack:?}"));
        };
        Ok(Some(Sight::Recalled {
            room: self.room_at(node)?,
            mid: usize::try_from(mid).map_err(|error| error.to_string())?,
        }))
    }

    fn sight(&self, device: Device, message: &TimMessage) -> Outcome<Sight> {
        let odd = || format!("{device:?} got something odd: {message:?}");
        let from = message
            .from_tid
            .as_ref()
            .map(|from| self.user_at(&from.node))
            .transpose()?;
        let room = message
            .room_tid
            .as_ref()
            .map(|room| self.room_at(&room.node))
            .transpose()?;
        if message.od_type == 4 {
            return Ok(Sight::Notice {
                kind: message.bn_type.ok_or_else(odd)?,
                from,
                room,
                has_text: message.data_string.is_some(),
            });
        }
        let from = from.ok_or_else(odd)?;
        let place = match message.ms_type {
            2 => {
                let to = message.to_tid.as_ref().ok_or_else(odd)?;
                let to = self.user_at(&to.node)?;
                if ![from, to].contains(&device.user) {
                    return Err(odd());
                }
                Conversation::of(from, to)
            }
            3 => Conversation::Room(room.ok_or_else(odd)?),
            _ => return Err(odd()),
        };
        let mid = message.mid.and_then(|mid| usize::try_from(mid).ok());
        let mid = mid.ok_or_else(odd)?;
        match message.od_type {
            1 => Ok(Sight::Message {
                place,
                mid,
                from,
                number: number_in(message).ok_or_else(odd)?,
                within: room.filter(|_| message.ms_type == 2),
            }),
            2 => Ok(Sight::Recall { place, mid, from }),
            _ => Err(odd()),
        }
    }

    /// Lets every device that is online read, and compares what each has seen with what it has to.
    async fn settle_all(&mut self) -> Outcome {
        for device in self.devices() {
            if self.model.online[device.user][device.number] {
                self.settle(device).await?;
            }
        }
        Ok(())
    }

    async fn settle(&mut self, device: Device) -> Outcome {
        let Device { user, number } = device;
        let patient_until = Instant::now() + self.patience;
        loop {
            let before = self.seen[user][number].len();
            let answers = self.read(device).await?;
            if !answers.is_empty() {
                return Err(format!("{device:?} got answers to nothing: {answers:?}"));
            }
            // Nothing new: so what came before is acknowledged, and the server knows.
            let seen = self.seen[user][number].len();
            let is_quiet = seen == before && seen >= self.model.due[user][number].len();
            if is_quiet || Instant::now() > patient_until {
                break;
            }
        }
        self.compare_sights(device)
    }

    fn compare_sights(&mut self, device: Device) -> Outcome {
        let due = std::mem::take(&mut self.model.due[device.user][device.number]);
        let seen = std::mem::take(&mut self.seen[device.user][device.number]);
        let (due, seen) = (by_place(due), by_place(seen));
        if due == seen {
            return Ok(());
        }
        let without = |all: &[Sight], others: &[Sight]| {
            let missing = all.iter().filter(|sight| !others.contains(sight));
            missing.cloned().collect::<Vec<_>>()
        };
        let (missing, extra) = (without(&due, &seen), without(&seen, &due));
        Err(if missing.is_empty() && extra.is_empty() {
            format!("{device:?} saw {seen:?} instead of {due:?}")
        } else {
            format!("{device:?} did not see {missing:?}, and saw {extra:?} for no reason")
        })
    }

    async fn log_on(&mut self, device: Device) -> Outcome {
        let json = (usize::from(self.json_first) + device.user + device.number) % 2 == 1;
        let encoding = if json { Encoding::Json } else { Encoding::Compact };
        let resource = ["phone", "tablet"][device.number];
        let person = &self.people[device.user];
        let mut client = person.login_on(&self.server, encoding, resource).await;
        let batches = client.offline().await;
        self.clients[device.user][device.number] = Some(client);
        self.model.online[device.user][device.number] = true;
        for batch in batches {
            if batch.len() > 10 {
                return Err(format!("{device:?} got {} messages at once", batch.len()));
            }
            for message in batch {
                if message.is_offline != Some(true) {
                    return Err(format!("not marked as offline: {message:?}"));
                }
                let sight = self.sight(device, &message)?;
                self.seen[device.user][device.number].push(sight);
            }
        }
        self.settle(device).await
    }

    async fn come_back(&mut self, device: Device) -> Outcome {
        if self.model.online[device.user][device.number] {
            return Ok(());
        }
        self.log_on(device).await
    }

    async fn restart(&mut self) -> Outcome {
        let status = self.server.stop();
        if !status.success() {
            return Err(format!("the server ended with {status}"));
        }
        self.server.run();
        for device in self.devices() {
            if self.clients[device.user][device.number].take().is_some() {
                self.log_on(device).await?;
            }
        }
        Ok(())
    }

    /// Every list and every history, of everybody who is there.
    async fn look(&mut self) -> Outcome {
        self.settle_all().await?;
        for user in 0..self.model.users() {
            let number = self.model.online[user].iter().position(|&online| online);
            let Some(number) = number else { continue };
            let device = Device { user, number };
            let nodes = |list: Vec<usize>| list.into_iter().map(|at| self.node(at).to_owned()).collect();
            let (friends, blocked) = (nodes(self.model.friends(user)), nodes(self.model.blocked(user)));
            let rooms = |list: Vec<usize>| {
                list.into_iter()
                    .map(|at| self.room(at).map(str::to_owned))
                    .collect()
            };
            let joined: Outcome<Vec<String>> = rooms(self.model.rooms_of(user));
            let shut: Outcome<Vec<String>> = rooms(self.model.rooms_blocked_by(user));
            self.list(device, operation::ROSTER, 1, None, friends).await?;
            self.list(device, operation::BLOCK_LIST, 8, None, blocked).await?;
            self.list(device, room_operation::MINE, 2, None, joined?).await?;
            self.list(device, room_operation::BLOCKED_ROOMS, 9, None, shut?)
                .await?;
            for room in 0..ROOMS {
                if self.model.exists(room) {
                    self.look_at_room(device, room).await?;
                }
            }
            for other in (0..self.model.users()).filter(|&other| other != user) {
                let request = history_request(self.node(other), 0, 100);
                let stored = self.model.history(Conversation::of(user, other));
                self.history(device, &request, stored).await?;
            }
        }
        Ok(())
    }

    async fn look_at_room(&mut self, device: Device, room: usize) -> Outcome {
        let node = self.room(room)?.to_owned();
        let nodes = |list: Vec<usize>| list.into_iter().map(|at| self.node(at).to_owned()).collect();
        let blocked = nodes(self.model.blocked_in(room, device.user));
        let members: Vec<String> = nodes(self.model.members(room));
        self.list(device, room_operation::BLOCKED_MEMBERS, 10, Some(&node), blocked)
            .await?;
        let request = TimReq {
            rtype: Some(2),
            ..history_request(&node, 0, 100)
        };
        if self.model.is_member(room, device.user) {
            self.list(device, room_operation::MEMBERS, 3, Some(&node), members)
                .await?;
            let stored = self.model.history(Conversation::Room(room));
            return self.history(device, &request, stored).await;
        }
        let members = TimReq {
            rtype: Some(room_operation::MEMBERS),
            node: Some(node),
            ..TimReq::default()
        };
        let unreadable = if self.model.is_dissolved(room) {
            ErrorCode::Cancel
        } else {
            ErrorCode::PermDenied
        };
        for (kind, request, code) in [
            (PacketType::Business, &members, ErrorCode::Params),
            (PacketType::PullMessage, &request, unreadable),
        ] {
            let what = format!("{device:?} asks r{room} as a stranger");
            self.client(device)?.send(kind, request).await;
            let answers = self.read(device).await?;
            let is_right = matches!(&answers[..], [one] if one.ack().error_code() == Some(code));
            if !is_right {
                return Err(format!("{what}: expected {code:?}, got {answers:?}"));
            }
        }
        Ok(())
    }

    async fn list(
        &mut self,
        device: Device,
        rtype: i32,
        kind: i32,
        of: Option<&str>,
        mut expected: Vec<String>,
    ) -> Outcome {
        self.client(device)?.request(rtype, of, None).await;
        let mut list = Vec::new();
        for answer in self.read(device).await? {
            if answer.kind != PacketType::Nodes || answer.nodes().ntype != kind {
                return Err(format!("{device:?} asked for list {rtype} and got {answer:?}"));
            }
            list.extend(answer.nodes().nodelist.unwrap_or_default());
        }
        list.sort_unstable();
        expected.sort_unstable();
        if list == expected {
            return Ok(());
        }
        let names = |list: &[String]| -> Vec<String> {
            let name = |node: &String| match (self.user_at(node), self.room_at(node)) {
                (Ok(user), _) => format!("u{user}"),
                (_, Ok(room)) => format!("r{room}"),
                _ => node.clone(),
            };
            list.iter().map(name).collect()
        };
        let of = of.map(|node| names(&[node.to_owned()]));
        let (expected, list) = (names(&expected), names(&list));
        Err(format!(
            "{device:?} asked for list {rtype} of {of:?}, expected {expected:?}, got {list:?}"
        ))
    }

    async fn history(&mut self, device: Device, request: &TimReq, mut expected: Vec<Sight>) -> Outcome {
        self.client(device)?.ask_history(request).await;
        let mut page = Vec::new();
        for answer in self.read(device).await? {
            if answer.kind != PacketType::PullMessage {
                return Err(format!("{device:?} asked for {request:?} and got {answer:?}"));
            }
            page.extend(answer.list());
        }
        expected.reverse();
        expected.truncate(100);
        let mut read = Vec::new();
        for message in &page {
            if message.id.is_some() || message.is_offline.is_some() {
                return Err(format!("not as stored: {message:?}"));
            }
            read.push(self.sight(device, message)?);
        }
        if read == expected {
            return Ok(());
        }
        Err(format!(
            "{device:?} read the history {read:?} instead of {expected:?}"
        ))
    }
}

/// A refusal that repeats nothing of the request.
fn plain_refusal(kind: PacketType, code: ErrorCode) -> Reply {
    Reply {
        kind,
        refused: Some(code),
        t: None,
        n: None,
        n2: None,
    }
}

fn number_in(message: &TimMessage) -> Option<usize> {
    words(message).strip_prefix('m')?.parse().ok()
}

/// In the order in which each conversation was seen; there is no order among conversations, and none of notices
/// of different people.
fn by_place(mut sights: Vec<Sight>) -> Vec<Sight> {
    sights.sort_by_key(|sight| match sight {
        Sight::Message { place, .. } | Sight::Recall { place, .. } => (Some(*place), None),
        Sight::Notice { .. } | Sight::Recalled { .. } => (None, Some(sight.clone())),
    });
    sights
}
