//! Lists and histories as everybody reads them.

use tim_protocol::ErrorCode;
use tim_protocol::packet::PacketType;
use tim_protocol::wire::TimReq;
use tim_tests::chat::history_request;
use tim_tests::people::operation;
use tim_tests::rooms::room_operation;

use super::{Outcome, Stage};
use crate::model::{Conversation, Sight};
use crate::script::{Device, ROOMS};

impl Stage {
    /// Every list and every history, of everybody who is there.
    pub(super) async fn look(&mut self) -> Outcome {
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
