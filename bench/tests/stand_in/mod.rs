//! A stand-in for a server: just enough of the protocol for the generator, in memory, with one
//! thread per connection, and able to misbehave on purpose.

mod rooms;
mod volatile;

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tim_protocol::Encoding::Compact;
use tim_protocol::WireStruct as _;
use tim_protocol::packet::{ClientPacket, PacketType, offline_end, server_packet, synchronous_packet};
use tim_protocol::wire::{TimAck, TimAuth, TimError, TimMessage, TimMessageList, TimReq};

use rooms::Room;
use volatile::VirtualRoom;

/// What the stand-in does wrong. Numbers count deliveries of chat messages from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Does not deliver that one.
    Lose(u64),
    /// Delivers that one twice.
    Double(u64),
    /// Delivers that one after the next one of the same receiver and room.
    Swap(u64),
    /// Refuses that message.
    Refuse(u64),
    /// Does nothing for a while before that one.
    Stall(u64, Duration),
    /// Delivers that room message also to somebody who just left.
    Haunt(u64),
    /// Drops that chunk of a stream or that presence.
    Drop(u64),
}

/// Somebody's connection, after the offline queue was asked for.
struct Online {
    session: u64,
    stream: TcpStream,
    unacknowledged: VecDeque<(i32, TimMessage)>,
}

#[derive(Default)]
struct State {
    nodes: HashMap<String, String>,
    tokens: u64,
    sessions: u64,
    online: HashMap<String, Online>,
    asked: HashMap<(String, String), ()>,
    mids: HashMap<[String; 2], i64>,
    queues: HashMap<String, Vec<TimMessage>>,
    held: HashMap<(String, Option<String>), TimMessage>,
    deliveries: u64,
    send_id: i32,
    rooms: HashMap<String, Room>,
    virtual_rooms: HashMap<String, VirtualRoom>,
    volatile: u64,
}

/// Starts a stand-in; it lives as long as the test process.
pub(crate) fn start(fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::new(Mutex::new(State::default()));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let state = Arc::clone(&state);
            thread::spawn(move || serve(stream, &state, fault));
        }
    });
    address
}

/// `None` when the client is gone.
fn serve(stream: TcpStream, state: &Mutex<State>, fault: Fault) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        reader.read_line(&mut first).ok().filter(|count| *count > 0)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        if first.starts_with("GET") {
            (&stream)
                .write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
                .ok()?;
            return session(&stream, &mut reader, state, fault);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let answer = http(&body, &mut state.lock().unwrap());
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
        (&stream).write_all(&[head.as_bytes(), &answer].concat()).ok()?;
    }
}

fn http(body: &[u8], state: &mut State) -> Vec<u8> {
    let packet = ClientPacket::parse(body).unwrap();
    let auth: TimAuth = packet.decode().unwrap();
    let n = if packet.type_byte == PacketType::Register.as_u8() {
        let name = auth.name.unwrap();
        let node = format!("node-of-{name}");
        state.nodes.insert(name, node.clone());
        node
    } else {
        state.tokens += 1;
        format!("token{}", state.tokens)
    };
    let tim_type = packet.type_byte as i8;
    server_packet(
        PacketType::Ack,
        Compact,
        &TimAck {
            ok: true,
            tim_type,
            n: Some(n),
            ..TimAck::default()
        },
    )
    .to_vec()
}

fn session(stream: &TcpStream, reader: &mut impl Read, state: &Mutex<State>, fault: Fault) -> Option<()> {
    let number = {
        let mut state = state.lock().unwrap();
        state.sessions += 1;
        state.sessions
    };
    let mut me = String::new();
    packets(stream, reader, state, fault, number, &mut me);
    let mut state = state.lock().unwrap();
    if state
        .online
        .get(&me)
        .is_some_and(|online| online.session == number)
    {
        state.go_offline(&me);
    }
    None
}

/// `None` when the client is gone.
fn packets(
    stream: &TcpStream,
    reader: &mut impl Read,
    state: &Mutex<State>,
    fault: Fault,
    session: u64,
    me: &mut String,
) -> Option<()> {
    loop {
        let (opcode, payload) = read_frame(reader)?;
        let mut state = state.lock().unwrap();
        if opcode == 8 {
            return None;
        }
        let packet = ClientPacket::parse(&payload)?;
        match PacketType::from_u8(packet.type_byte)? {
            PacketType::Auth => {
                let auth: TimAuth = packet.decode().unwrap();
                *me = state.nodes[&auth.name.unwrap()].clone();
                state.go_offline(me);
                let answer = TimAck {
                    ok: true,
                    tim_type: 16,
                    n: Some(me.clone()),
                    ..TimAck::default()
                };
                send(stream, &server_packet(PacketType::Ack, Compact, &answer));
            }
            PacketType::OfflineMsg => {
                let online = Online {
                    session,
                    stream: stream.try_clone().unwrap(),
                    unacknowledged: VecDeque::new(),
                };
                state.online.insert(me.clone(), online);
                state.drain(me, stream);
            }
            PacketType::Ack => state.acknowledged(me, packet.delivery_ack()?),
            PacketType::Business => state.business(me, stream, packet.decode().unwrap()),
            PacketType::Message => state.message(me, stream, packet.decode().unwrap(), fault),
            PacketType::VRoom => state.virtual_room(me, session, stream, packet.decode().unwrap()),
            PacketType::Stream => state.push(packet.decode().unwrap(), fault),
            PacketType::BigBinaryStream => state.push_raw(&payload, fault),
            PacketType::BroadPresence => state.broadcast_presence(me, packet.decode().unwrap(), fault),
            _ => {}
        }
    }
}

impl State {
    /// What was not acknowledged waits for the next connection.
    fn go_offline(&mut self, me: &str) {
        if let Some(online) = self.online.remove(me) {
            let queue = self.queues.entry(me.to_owned()).or_default();
            let unacknowledged = online.unacknowledged.into_iter().map(|(_, message)| TimMessage {
                is_offline: Some(true),
                ..message
            });
            queue.splice(..0, unacknowledged);
        }
    }

    fn acknowledged(&mut self, me: &str, send_id: i32) {
        if let Some(online) = self.online.get_mut(me) {
            let waiting = &mut online.unacknowledged;
            // Nearly always the oldest.
            if waiting.front().is_none_or(|(sent, _)| *sent != send_id) {
                return waiting.retain(|(sent, _)| *sent != send_id);
            }
            while waiting.front().is_some_and(|(sent, _)| *sent == send_id) {
                waiting.pop_front();
            }
        }
    }

    fn drain(&mut self, me: &str, stream: &TcpStream) {
        for batch in self.queues.remove(me).unwrap_or_default().chunks(10) {
            let list = TimMessageList {
                id: Some(1),
                message_list: Some(batch.to_vec()),
            };
            self.send_id += 1;
            if let Some(online) = self.online.get_mut(me) {
                let send_id = self.send_id;
                let waiting = batch.iter().map(|message| (send_id, message.clone()));
                online.unacknowledged.extend(waiting);
            }
            send(
                stream,
                &synchronous_packet(PacketType::OfflineMsg, self.send_id, &list.encode(Compact)),
            );
        }
        send(stream, &offline_end());
    }

    fn business(&mut self, me: &str, stream: &TcpStream, request: TimReq) {
        match request.rtype.unwrap() {
            4 => self.befriend(me, request.node.unwrap()),
            _ => self.room_request(me, stream, request),
        }
    }

    fn befriend(&mut self, me: &str, other: String) {
        let second = self.asked.contains_key(&(other.clone(), me.to_owned()));
        self.asked.insert((me.to_owned(), other.clone()), ());
        let bn_type = Some(if second { 5 } else { 4 });
        self.deliver(
            &other,
            &TimMessage {
                ms_type: 2,
                od_type: 4,
                bn_type,
                ..TimMessage::default()
            },
        );
    }

    fn message(&mut self, me: &str, stream: &TcpStream, mut message: TimMessage, fault: Fault) {
        if let Some(room) = &message.room_tid {
            let room = room.node.clone();
            return self.room_message(&room, message, fault);
        }
        let other = message.to_tid.as_ref().unwrap().node.clone();
        if fault == Fault::Refuse(self.deliveries + 1) {
            self.deliveries += 1;
            let error = Some(TimError {
                code: Some(5104),
                info: None,
            });
            let refusal = TimAck {
                ok: false,
                tim_type: 90,
                error,
                t: message.id,
                ..TimAck::default()
            };
            return send(stream, &server_packet(PacketType::Ack, Compact, &refusal));
        }
        if let Fault::Stall(at, length) = fault
            && at == self.deliveries + 1
        {
            thread::sleep(length); // This is the fault, not a way to wait for something.
        }
        let mut pair = [me.to_owned(), other.clone()];
        pair.sort();
        let mid = self.mids.entry(pair).or_default();
        *mid += 1;
        message.mid = Some(*mid);
        send(stream, &server_packet(PacketType::Message, Compact, &message));
        self.deliver_chat(&other, &message, fault);
    }

    /// A delivery that counts and may go wrong.
    fn deliver_chat(&mut self, to: &str, message: &TimMessage, fault: Fault) {
        self.deliveries += 1;
        let number = self.deliveries;
        if fault == Fault::Lose(number) {
            return;
        }
        let room = message.room_tid.as_ref().map(|room| room.node.clone());
        let conversation = (to.to_owned(), room);
        if fault == Fault::Swap(number) {
            self.held.insert(conversation, message.clone());
            return;
        }
        self.deliver(to, message);
        if fault == Fault::Double(number) {
            self.deliver(to, message);
        }
        if let Some(held) = self.held.remove(&conversation) {
            self.deliver(to, &held);
        }
    }

    fn deliver(&mut self, to: &str, message: &TimMessage) {
        self.send_id += 1;
        match self.online.get_mut(to) {
            Some(online) => {
                online.unacknowledged.push_back((self.send_id, message.clone()));
                send(
                    &online.stream,
                    &synchronous_packet(PacketType::Message, self.send_id, &message.encode(Compact)),
                );
            }
            None => {
                let queued = TimMessage {
                    is_offline: Some(true),
                    ..message.clone()
                };
                self.queues.entry(to.to_owned()).or_default().push(queued);
            }
        }
    }
}

/// A client that is gone does not matter to the others.
fn send(mut stream: &TcpStream, packet: &[u8]) {
    let mut frame = vec![0x82];
    match packet.len() {
        length @ 0..126 => frame.push(length as u8),
        length @ 126..0x1_0000 => {
            frame.push(126);
            frame.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend_from_slice(&u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(packet);
    stream.write_all(&frame).ok();
}

fn read_frame(reader: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    reader.read_exact(&mut head).ok()?;
    let mut length = usize::from(head[1] & 0x7f);
    if length == 126 {
        let mut extended = [0; 2];
        reader.read_exact(&mut extended).ok()?;
        length = usize::from(u16::from_be_bytes(extended));
    }
    if length == 127 {
        let mut extended = [0; 8];
        reader.read_exact(&mut extended).ok()?;
        length = usize::try_from(u64::from_be_bytes(extended)).ok()?;
    }
    let mut mask = [0; 4];
    reader.read_exact(&mut mask).ok()?;
    let mut payload = vec![0; length];
    reader.read_exact(&mut payload).ok()?;
    payload
        .iter_mut()
        .zip(mask.iter().cycle())
        .for_each(|(byte, mask)| *byte ^= mask);
    Some((head[0] & 0x0f, payload))
}
