//! What can be typed in a chat besides messages: lines that begin with a slash.

use tim_client::{
    Conversation, Event, HistoryStart, Mid, Node, Outgoing, Presence, RequestError, Room, RoomKind,
};

use super::super::history::fetch;
use super::{Chat, prompt};
use crate::failure::Failure;

/// Friends that are asked for their presence at once.
const ASKED: usize = 500;

const HELP: &str = "\
/history [N]          show the last N messages (20)
/recall [N]           take message #N back, or the last one you sent
/burn N               destroy message #N that you received
/to NODE              talk to somebody else
/room ROOM            talk in a room
/rooms                the rooms you are in
/create TOPIC         create a private room and talk there; /create --open TOPIC: an open one
/join ROOM [TEXT]     join an open room, or ask to join a private one
/presence TEXT        tell your friends what you are doing, and from now on whoever asks
/who                  ask your friends who is there
/quit                 leave (also Ctrl-D)
//text                send a text that starts with /";

/// What can be typed in a room besides.
const ROOM_HELP: &str = "\
/members              who is in the room
/private NODE TEXT    a message that only this member sees
/invite NODE          add somebody
/approve NODE         let somebody in who asked
/reject NODE [TEXT]   refuse somebody who asked
/kick NODE            remove a member
/leave                leave the room";

impl Chat<'_> {
    /// A line was typed.
    pub(super) async fn typed(&mut self, line: &str) -> Result<(), Failure> {
        let (text, is_command) = match line.strip_prefix('/') {
            None => (line, false),
            Some(rest) if rest.starts_with('/') => (rest, false),
            Some(rest) => (rest, true),
        };
        if is_command {
            let (command, argument) = text.split_once(' ').unwrap_or((text, ""));
            return self.command(command, argument.trim()).await;
        }
        if text.trim().is_empty() {
            return Ok(());
        }
        match self.client.submit(&self.conversation, Outgoing::text(text)).await {
            Ok(confirmation) => self.under_way.push_back(confirmation),
            Err(error) => self.keyboard.print(&format!("! not sent: {error}"))?,
        }
        Ok(())
    }

    async fn command(&mut self, command: &str, argument: &str) -> Result<(), Failure> {
        let number: Option<i64> = argument.trim_start_matches('#').parse().ok();
        let (name, text) = argument.split_once(' ').unwrap_or((argument, ""));
        match command {
            "help" => {
                self.keyboard.print(HELP)?;
                match self.conversation {
                    Conversation::Room(_) => self.keyboard.print(ROOM_HELP),
                    _ => Ok(()),
                }
            }
            "history" => {
                let limit = number.and_then(|number| usize::try_from(number).ok());
                self.show_history(limit.unwrap_or(20).min(1000)).await
            }
            "recall" if argument.is_empty() => self.recall(self.last_sent).await,
            "recall" => self.recall(number.and_then(Mid::new)).await,
            "burn" => self.burn(number.and_then(Mid::new)).await,
            "to" => match self.named(name)? {
                Some(peer) => self.switch(peer.into()).await,
                None => Ok(()),
            },
            "room" => match self.named(name)? {
                Some(room) => self.switch(Conversation::Room(room.into())).await,
                None => Ok(()),
            },
            "rooms" => self.rooms().await,
            "create" => self.create(argument).await,
            "join" => {
                let Some(room) = self.named(name)? else {
                    return Ok(());
                };
                let (room, text) = (self.client.room(&room.into()), text.trim().to_owned());
                self.request(async move { room.join(text).await }).await
            }
            "presence" | "status" => {
                let presence = Presence::new().with_status(argument);
                let client = self.client.clone();
                self.request(async move { client.set_presence(presence).await })
                    .await
            }
            "who" => self.who().await,
            _ => self.room_command(command, name, text.trim()).await,
        }
    }

    async fn room_command(&mut self, command: &str, name: &str, text: &str) -> Result<(), Failure> {
        let known = [
            "members", "leave", "private", "invite", "approve", "reject", "kick",
        ];
        if !known.contains(&command) {
            return self.keyboard.print("! unknown command; /help lists them");
        }
        let Conversation::Room(id) = &self.conversation else {
            return self.keyboard.print("! that is for rooms; /room ROOM goes to one");
        };
        let room = self.client.room(id);
        match command {
            "members" => return self.members(room).await,
            "leave" => return self.request(async move { room.leave().await }).await,
            _ => {}
        }
        let Some(node) = self.named(name)? else {
            return Ok(());
        };
        let text = text.to_owned();
        match command {
            "private" if text.is_empty() => self.keyboard.print("! what? /private NODE TEXT"),
            "private" => {
                let sending = async move { room.send_private(&node, Outgoing::text(text)).await };
                match self.meanwhile(sending).await? {
                    Some(Err(error)) => self.keyboard.print(&format!("! not sent: {error}")),
                    _ => Ok(()),
                }
            }
            "invite" => self.request(async move { room.invite(&node).await }).await,
            "approve" => self.request(async move { room.approve(&node).await }).await,
            "reject" => self.request(async move { room.reject(&node, text).await }).await,
            _ => self.request(async move { room.kick(&node).await }).await,
        }
    }

    /// The node of somebody or of a room as typed. `None`, after saying so, when it is none.
    fn named(&mut self, name: &str) -> Result<Option<Node>, Failure> {
        match self.account.profile.resolve(name) {
            Ok(node) => Ok(Some(node)),
            Err(failure) => {
                self.keyboard.print(&format!("! {failure}"))?;
                Ok(None)
            }
        }
    }

    /// Goes on in another conversation.
    async fn switch(&mut self, conversation: Conversation) -> Result<(), Failure> {
        // Numbers are those of one conversation.
        self.confirm_all().await?;
        self.last_sent = None;
        self.shown = None;
        self.keyboard.set_prompt(prompt(self.account, &conversation));
        self.conversation = conversation;
        if self.keyboard.is_terminal() {
            self.show_history(10).await?;
        }
        Ok(())
    }

    async fn create(&mut self, argument: &str) -> Result<(), Failure> {
        let (kind, topic) = match argument.strip_prefix("--open ") {
            Some(topic) => (RoomKind::Open, topic.trim()),
            None => (RoomKind::Private, argument),
        };
        if topic.is_empty() {
            return self.keyboard.print("! what about? /create TOPIC");
        }
        let (client, topic) = (self.client.clone(), topic.to_owned());
        match self
            .meanwhile(async move { client.create_room(kind, topic).await })
            .await?
        {
            Some(Ok(room)) => {
                self.keyboard.print(&format!("- created {room}"))?;
                self.switch(room.into()).await
            }
            Some(Err(error)) => self.keyboard.print(&format!("! {error}")),
            None => Ok(()),
        }
    }

    async fn rooms(&mut self) -> Result<(), Failure> {
        let client = self.client.clone();
        match self.meanwhile(async move { client.rooms().await }).await? {
            Some(Ok(rooms)) => self.print_nodes(rooms.into_iter().map(Node::from)),
            Some(Err(error)) => self.keyboard.print(&format!("! {error}")),
            None => Ok(()),
        }
    }

    async fn members(&mut self, room: Room) -> Result<(), Failure> {
        match self.meanwhile(async move { room.members().await }).await? {
            Some(Ok(members)) => self.print_nodes(members),
            Some(Err(error)) => self.keyboard.print(&format!("! {error}")),
            None => Ok(()),
        }
    }

    fn print_nodes(&mut self, nodes: impl IntoIterator<Item = Node>) -> Result<(), Failure> {
        for node in nodes {
            let who = self.display(&node);
            self.keyboard.print(&format!("  {who}"))?;
        }
        Ok(())
    }

    /// Asks all friends. Who is there, and wants to say so, answers by a presence.
    async fn who(&mut self) -> Result<(), Failure> {
        let client = self.client.clone();
        self.request(async move {
            for some in client.friends().await?.chunks(ASKED) {
                client.send_presence(some, Presence::new().asking()).await?;
            }
            Ok(())
        })
        .await
    }

    /// Does something and tells when it was refused.
    async fn request(
        &mut self,
        request: impl Future<Output = Result<(), RequestError>>,
    ) -> Result<(), Failure> {
        match self.meanwhile(request).await? {
            Some(Err(error)) => self.keyboard.print(&format!("! {error}")),
            _ => Ok(()),
        }
    }

    async fn recall(&mut self, mid: Option<Mid>) -> Result<(), Failure> {
        let Some(mid) = mid else {
            return self.keyboard.print("! which message? /recall N");
        };
        let (client, conversation) = (self.client.clone(), self.conversation.clone());
        match self
            .meanwhile(async move { client.recall(conversation, mid).await })
            .await?
        {
            Some(Err(error)) => self.keyboard.print(&format!("! not recalled: {error}")),
            _ => Ok(()),
        }
    }

    async fn burn(&mut self, mid: Option<Mid>) -> Result<(), Failure> {
        let Conversation::Peer(peer) = self.conversation.clone() else {
            return self.keyboard.print("! only a message to you alone can be burned");
        };
        let Some(mid) = mid else {
            return self.keyboard.print("! which message? /burn N");
        };
        let client = self.client.clone();
        match self
            .meanwhile(async move { client.burn(&peer, mid).await })
            .await?
        {
            Some(Err(error)) => self.keyboard.print(&format!("! not burned: {error}")),
            _ => Ok(()),
        }
    }

    /// Waits for a request and goes on showing events, because the server confirms recall and burn by one. `None`
    /// when the session has ended.
    async fn meanwhile<T>(&mut self, request: impl Future<Output = T>) -> Result<Option<T>, Failure> {
        let mut request = Box::pin(request);
        loop {
            tokio::select! {
                result = &mut request => return Ok(Some(result)),
                event = self.client.next_event() => match event {
                    Some(Event::LoggedOut { reason }) => return Err(Failure::logged_out(&reason)),
                    Some(event) => self.show(&event)?,
                    None => return Ok(None),
                },
            }
        }
    }

    /// Shows the last messages of the conversation.
    pub(super) async fn show_history(&mut self, limit: usize) -> Result<(), Failure> {
        match fetch(self.client, &self.conversation, HistoryStart::Newest, limit).await {
            Ok(messages) => {
                for message in messages.iter().rev() {
                    self.show_message(message)?;
                    self.shown = self.shown.max(message.mid);
                }
                Ok(())
            }
            Err(error) => self.keyboard.print(&format!("! no history: {error}")),
        }
    }
}
