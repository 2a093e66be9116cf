//! Changes scripts: bytes, fields of the wire structs, the order of steps, encodings, frames below WebSocket.

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};
use tim_protocol::packet::{ClientPacket, PacketType, client_packet};
use tim_protocol::wire::{TimAuth, TimMessage, TimNodes, TimPresence, TimReq, TimStream};
use tim_protocol::{Encoding, WireStruct};

use crate::script::{CONNECTIONS, MAX_BYTES, MAX_STEPS, Script, Step};
use crate::seeds::{NAMES, login, login_name, node};
use crate::websocket::{frame, message};

/// A changed copy of a script. `others` are scripts to take steps from.
pub fn mutate(script: &Script, others: &[Script], rng: &mut StdRng) -> Script {
    let mut script = script.clone();
    for _ in 0..rng.random_range(1..=6) {
        match rng.random_range(0..100) {
            0..45 => change_step(&mut script, rng),
            45..75 => change_order(&mut script, rng),
            75..90 => splice(&mut script, others, rng),
            _ => insert(&mut script, random_step(rng), rng),
        }
    }
    script.0.truncate(MAX_STEPS);
    for step in &mut script.0 {
        if let Some(bytes) = step.bytes_mut() {
            bytes.truncate(MAX_BYTES);
        }
    }
    script
}

fn pick<'a, T>(list: &'a [T], rng: &mut StdRng) -> Option<&'a T> {
    (!list.is_empty()).then(|| &list[rng.random_range(0..list.len())])
}

fn place(length: usize, rng: &mut StdRng) -> usize {
    rng.random_range(0..=length)
}

fn insert(script: &mut Script, step: Step, rng: &mut StdRng) {
    let at = place(script.0.len(), rng);
    script.0.insert(at, step);
}

fn random_step(rng: &mut StdRng) -> Step {
    let connection = rng.random_range(0..CONNECTIONS);
    let encoding = random_encoding(rng);
    match rng.random_range(0..12) {
        0..3 => Step::Settle,
        3 => Step::Acknowledge(connection),
        4 => Step::Close(connection),
        5 => Step::Cut(connection),
        6 => Step::Raw(connection, noise(rng)),
        7 | 8 => {
            let name = NAMES[rng.random_range(0..NAMES.len())];
            let device = ["phone", "tablet", "desk", ""][rng.random_range(0..4)];
            Step::Packet(connection, login(name, device, encoding))
        }
        9 => Step::Packet(connection, vec![rng.random(); rng.random_range(0..3)]),
        10 => Step::Packet(connection, vec![17 | encoding.flag()]),
        _ => {
            let request = TimReq {
                rtype: Some(rng.random_range(0..24)),
                node: Some(node(random_name(rng))),
                node2: Some(node(random_name(rng))),
                req_str: Some("text".to_owned()),
                ..TimReq::default()
            };
            let kind = [PacketType::Business, PacketType::VRoom, PacketType::PullMessage];
            Step::Packet(
                connection,
                client_packet(kind[rng.random_range(0..3)], encoding, &request),
            )
        }
    }
}

fn random_encoding(rng: &mut StdRng) -> Encoding {
    if rng.random() {
        Encoding::Compact
    } else {
        Encoding::Json
    }
}

fn random_name(rng: &mut StdRng) -> &'static str {
    ["alice", "bob", "carol", "room0", "room1", "vroom0"][rng.random_range(0..6)]
}

/// Frames that a well-behaved client does not send at this moment.
fn noise(rng: &mut StdRng) -> Vec<u8> {
    let length = [0, 1, 2, 20, 125, 126, 300][rng.random_range(0..7)];
    let payload: Vec<u8> = (0..length).map(|_| rng.random()).collect();
    match rng.random_range(0..6) {
        // Any first byte.
        0 => frame(rng.random(), &payload),
        1 => message([1, 2, 9, 10][rng.random_range(0..4)], &payload),
        // Fragments.
        2 => frame([0, 1, 2, 0x80][rng.random_range(0..4)], &payload),
        3 => message(8, &payload),
        // Many small frames.
        4 => message(9, b"x").repeat(rng.random_range(1..600)),
        _ => payload,
    }
}

fn change_order(script: &mut Script, rng: &mut StdRng) {
    if script.0.is_empty() {
        return;
    }
    let (from, to) = (
        rng.random_range(0..script.0.len()),
        rng.random_range(0..script.0.len()),
    );
    match rng.random_range(0..6) {
        0 => script.0.swap(from, to),
        1 => {
            let step = script.0.remove(from);
            script.0.insert(to.min(script.0.len()), step);
        }
        2 => drop(script.0.remove(from)),
        3 => {
            let step = script.0[from].clone();
            script.0.insert(to, step);
        }
        4 => {
            // The same again, several times.
            let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 6));
            let again: Vec<Step> = script.0[from..=to].to_vec();
            script.0.splice(to..to, again);
        }
        _ => {
            if let Some(connection) = script.0[from].connection_mut() {
                *connection = rng.random_range(0..CONNECTIONS);
            }
        }
    }
}

fn splice(script: &mut Script, others: &[Script], rng: &mut StdRng) {
    let Some(other) = pick(others, rng).filter(|other| !other.0.is_empty()) else {
        return;
    };
    let from = rng.random_range(0..other.0.len());
    let to = (from + rng.random_range(1..20)).min(other.0.len());
    let at = place(script.0.len(), rng);
    script.0.splice(at..at, other.0[from..to].iter().cloned());
}

fn change_step(script: &mut Script, rng: &mut StdRng) {
    let with_bytes: Vec<usize> = (0..script.0.len())
        .filter(|&index| script.0[index].bytes().is_some())
        .collect();
    let Some(&index) = pick(&with_bytes, rng) else {
        return;
    };
    let step = &mut script.0[index];
    if rng.random_ratio(1, 20)
        && let Step::Packet(connection, bytes) = step
    {
        // In another frame.
        *step = if rng.random() {
            Step::Text(*connection, std::mem::take(bytes))
        } else {
            let at = place(bytes.len(), rng);
            let pieces = [frame(2, &bytes[..at]), frame(0x80, &bytes[at..])];
            Step::Raw(*connection, pieces.concat())
        };
        return;
    }
    let is_raw = matches!(step, Step::Raw(..));
    let Some(bytes) = step.bytes_mut() else { return };
    if !is_raw
        && rng.random_ratio(2, 3)
        && let Some(changed) = change_struct(bytes, rng)
    {
        *bytes = changed;
        return;
    }
    change_bytes(bytes, rng);
}

fn change_bytes(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    if bytes.is_empty() {
        return bytes.push(rng.random());
    }
    let at = rng.random_range(0..bytes.len());
    match rng.random_range(0..8) {
        0 => bytes[at] ^= 1 << rng.random_range(0..8),
        1 => bytes[at] = rng.random(),
        2 => bytes[at] = [0, 0x7f, 0x80, 0xff, b'"', b'{', 0x15, 0x19][rng.random_range(0..8)],
        3 => bytes.truncate(at),
        4 => {
            let end = (at + rng.random_range(1..20)).min(bytes.len());
            bytes.drain(at..end);
        }
        5 => {
            let end = (at + rng.random_range(1..40)).min(bytes.len());
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        6 => {
            // A huge number or length.
            bytes.splice(at..at, [0xff, 0xff, 0xff, 0xff, 0x0f]);
        }
        // Another type of packet with the same payload.
        _ => {
            bytes[0] =
                PacketType::ALL[rng.random_range(0..PacketType::ALL.len())].as_u8() | (bytes[0] & 0x80);
        }
    }
}

/// Changes one member of the struct that a packet holds, or its encoding.
fn change_struct(packet: &[u8], rng: &mut StdRng) -> Option<Vec<u8>> {
    match ClientPacket::parse(packet)?.packet_type()? {
        PacketType::Auth | PacketType::Register | PacketType::Token => change::<TimAuth>(packet, rng),
        PacketType::Message | PacketType::RevokeMessage | PacketType::BurnMessage => {
            change::<TimMessage>(packet, rng)
        }
        PacketType::Presence | PacketType::BroadPresence => change::<TimPresence>(packet, rng),
        PacketType::Business | PacketType::VRoom | PacketType::PullMessage => change::<TimReq>(packet, rng),
        PacketType::Nodes => change::<TimNodes>(packet, rng),
        PacketType::Stream => change::<TimStream>(packet, rng),
        _ => None,
    }
}

fn change<T: WireStruct>(packet: &[u8], rng: &mut StdRng) -> Option<Vec<u8>> {
    let parsed = ClientPacket::parse(packet)?;
    let kind = parsed.packet_type()?;
    let value: T = parsed.decode().ok()?;
    if rng.random_ratio(1, 6) {
        let other = match parsed.encoding {
            Encoding::Compact => Encoding::Json,
            Encoding::Json => Encoding::Compact,
        };
        return Some(client_packet(kind, other, &value));
    }
    let Ok(Value::Object(mut members)) = serde_json::from_slice(&value.encode(Encoding::Json)) else {
        return None;
    };
    change_member(&mut members, rng);
    let text = serde_json::to_vec(&Value::Object(members)).ok()?;
    match T::decode(&text, Encoding::Json) {
        Ok(changed) => Some(client_packet(kind, parsed.encoding, &changed)),
        // A wrong type; only JSON can say that.
        Err(_) => Some([&[kind.as_u8() | Encoding::Json.flag()], text.as_slice()].concat()),
    }
}

/// Names of members of any struct, with values of the right kind.
fn any_member(rng: &mut StdRng) -> (&'static str, Value) {
    let someone = node(random_name(rng));
    let number = random_number(rng);
    let members = [
        ("rtype", json!(rng.random_range(0..25))),
        ("ntype", json!(rng.random_range(0..12))),
        ("node", json!(someone)),
        ("node2", json!(someone)),
        ("reqInt", number.clone()),
        ("reqInt2", number.clone()),
        ("reqStr", json!("text")),
        ("reqStr2", json!("")),
        ("msType", json!(rng.random_range(0..5))),
        ("odType", json!(rng.random_range(0..40))),
        ("bnType", json!(rng.random_range(0..20))),
        ("id", number.clone()),
        ("mid", number.clone()),
        ("timestamp", number.clone()),
        ("fromTid", json!({ "node": someone })),
        ("toTid", json!({ "node": someone, "domain": "x" })),
        ("roomTid", json!({ "node": someone })),
        ("dataString", json!("x".repeat(rng.random_range(0..3_000)))),
        ("dataBinary", json!("AAEC/w==")),
        ("isOffline", json!(true)),
        ("udtype", json!(-1)),
        ("extend", json!({ "k": "v", "": "" })),
        ("extra", json!({ "k": "AAEC" })),
        ("ToList", json!([someone])),
        ("toList", json!([someone, "", someone, node("bob")])),
        ("nodelist", json!([someone, node("alice"), ""])),
        ("usermap", json!({ "": { "name": "n", "createtime": 1 } })),
        (
            "roommap",
            json!({ someone.clone(): { "topic": "t", "founder": node("bob"), "managers": [node("bob")] } }),
        ),
        ("offline", json!(true)),
        ("subStatus", json!(rng.random_range(-1..4))),
        ("show", number.clone()),
        ("VNode", json!(someone)),
        ("body", json!("AAEC")),
        ("name", json!(login_name(NAMES[rng.random_range(0..NAMES.len())]))),
        ("pwd", json!("wrong")),
        ("domain", json!("elsewhere")),
        ("resource", json!("y".repeat(rng.random_range(0..300)))),
        ("termtyp", json!(rng.random_range(-1..4))),
        ("token", json!("0000")),
    ];
    let index = rng.random_range(0..members.len());
    members.into_iter().nth(index).unwrap_or(("id", number))
}

fn random_number(rng: &mut StdRng) -> Value {
    match rng.random_range(0..9) {
        0 => json!(0),
        1 => json!(-1),
        2 => json!(i64::MAX),
        3 => json!(i64::MIN),
        4 => json!(i32::MAX),
        5 => json!(1_u64 << 53),
        _ => json!(rng.random_range(1..6)),
    }
}

fn change_member(members: &mut Map<String, Value>, rng: &mut StdRng) {
    let names: Vec<String> = members.keys().cloned().collect();
    if rng.random_ratio(1, 3) || names.is_empty() {
        let (name, value) = any_member(rng);
        members.insert(name.to_owned(), value);
        return;
    }
    let name = &names[rng.random_range(0..names.len())];
    if rng.random_ratio(1, 8) {
        members.remove(name);
        return;
    }
    if let Some(value) = members.get_mut(name) {
        change_value(value, rng);
    }
}

fn change_value(value: &mut Value, rng: &mut StdRng) {
    match value {
        Value::Object(members) if rng.random_ratio(3, 4) => change_member(members, rng),
        Value::Array(list) if rng.random_ratio(3, 4) => match rng.random_range(0..3) {
            0 => list.clear(),
            1 => list.push(json!(node(random_name(rng)))),
            _ => {
                let again = list.clone();
                // Long lists grow by doubling, up to a bound.
                if list.len() < 2_000 {
                    list.extend(again);
                }
            }
        },
        Value::String(text) => match rng.random_range(0..7) {
            0 => text.clear(),
            1 => *text = text.repeat(2),
            2 => *text = "ß\u{0}\u{1f600}|\"\\".to_owned(),
            3 => text.truncate(text.floor_char_boundary(text.len() / 2)),
            _ => *text = node(random_name(rng)),
        },
        Value::Number(_) => *value = random_number(rng),
        Value::Bool(flag) => *flag = !*flag,
        _ => {
            *value =
                [json!(null), json!({}), json!([]), json!(""), json!(1.5)][rng.random_range(0..5)].clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn what_comes_out_is_always_a_script_that_can_be_written_and_read() {
        let pool = crate::seeds::all();
        let mut rng = StdRng::seed_from_u64(1);
        let mut script = pool[0].clone();
        for round in 0..3_000 {
            script = mutate(
                if round % 50 == 0 {
                    &pool[round % pool.len()]
                } else {
                    &script
                },
                &pool,
                &mut rng,
            );
            assert!(script.0.len() <= MAX_STEPS);
            assert_eq!(Script::parse(&script.to_string()).unwrap(), script);
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_script() {
        let pool = crate::seeds::all();
        let make = || mutate(&pool[3], &pool, &mut StdRng::seed_from_u64(7));
        assert_eq!(make(), make());
    }
}
