//! What devices get to see, in the words of the model, and the comparison with what they have to.

use std::time::{Duration, Instant};

use tim_protocol::packet::PacketType;
use tim_protocol::wire::{TimAck, TimMessage};
use tim_tests::Received;
use tim_tests::chat::words;
use tim_tests::client::Incoming;

use super::{Outcome, Stage};
use crate::model::{Conversation, Sight};
use crate::script::Device;

/// After this time without a packet the server is asked again.
const BLINK: Duration = Duration::from_millis(20);

impl Stage {
    /// Reads everything that is there for a device; answers to requests are given back.
    pub(super) async fn read(&mut self, device: Device) -> Outcome<Vec<Received>> {
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

    /// Waits until something comes for a device, or for a short time.
    pub(super) async fn wait(&mut self, device: Device) -> Outcome {
        let client = self.client(device)?;
        match tokio::time::timeout(BLINK, client.incoming()).await {
            Ok(Incoming::Packet(received)) => client.put_back(vec![received]),
            Ok(Incoming::Closed(code)) => return Err(format!("{device:?} was disconnected: {code:?}")),
            Err(_) => {}
        }
        Ok(())
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

    pub(super) fn sight(&self, device: Device, message: &TimMessage) -> Outcome<Sight> {
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
    pub(super) async fn settle_all(&mut self) -> Outcome {
        for device in self.devices() {
            if self.model.online[device.user][device.number] {
                self.settle(device).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn settle(&mut self, device: Device) -> Outcome {
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
            if seen == before {
                self.wait(device).await?;
            }
        }
        self.compare_sights(device)
    }

    /// Leaves out what came once more because its acknowledgement was lost in a crash.
    pub(super) fn forget_repeats(&mut self, device: Device) {
        let Device { user, number } = device;
        let mut due = self.model.due[user][number].clone();
        let known = &self.known[user][number];
        let model = &self.model;
        self.seen[user][number].retain(|sight| match due.iter().position(|it| it == sight) {
            Some(at) => {
                due.remove(at);
                true
            }
            None => !(known.contains(sight) && model.may_repeat(user, sight)),
        });
    }

    fn compare_sights(&mut self, device: Device) -> Outcome {
        let due = std::mem::take(&mut self.model.due[device.user][device.number]);
        let seen = std::mem::take(&mut self.seen[device.user][device.number]);
        self.known[device.user][device.number].extend_from_slice(&seen);
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
