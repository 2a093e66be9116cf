//! Chatting by hand with one person, or in a room.

use std::collections::VecDeque;

use tim_client::{
    Client, Confirmation, Conversation, Event, HistoryStart, Incoming, Mid, Node, Outgoing, Presence,
    RequestError, Room, SendError, Sent,
};

use super::history::{fetch, name_of_sender};
use super::keyboard::Keyboard;
use crate::connection::{Account, Purpose};
use crate::failure::Failure;
use crate::output;

const HELP: &str = "\
/history [N]   show the last N messages (20)
/recall [N]    take message #N back, or the last one you sent
/burn N        destroy message #N that you received
/status TEXT   tell your friends what you are doing
/quit          leave (also Ctrl-D)
//text         send a text that starts with /";

/// What can be typed in a room besides.
const ROOM_HELP: &str = "\
/members              who is in the room
/private NODE TEXT    a message that only this member sees
/invite NODE          add somebody
/approve NODE         let somebody in who asked
/reject NODE [TEXT]   refuse somebody who asked
/kick NODE            remove a member
/leave                leave the room";

pub(crate) async fn run(account: &Account, node: &str, is_room: bool, history: u16) -> Result<(), Failure> {
    let peer = account.profile.resolve(node)?;
    let conversation = super::conversation(account, node, is_room)?;
    let client = account.connect(Purpose::Receive).await?;
    let who = output::harmless(account.profile.display(&peer));
    let keyboard = Keyboard::start(format!("to {who}> "));
    let mut chat = Chat {
        account,
        client: &client,
        peer,
        conversation,
        keyboard: match keyboard {
            Ok(keyboard) => keyboard,
            Err(failure) => {
                client.close().await;
                return Err(failure);
            }
        },
        shown: None,
        last_sent: None,
        under_way: VecDeque::new(),
        refused: None,
    };
    let result = chat.talk(history).await;
    if let Err(failure) = &result {
        chat.keyboard.print(&format!("! {failure}"))?;
    }
    chat.keyboard.leave().await?;
    client.close().await;
    result
}

struct Chat<'a> {
    account: &'a Account,
    client: &'a Client,
    peer: Node,
    conversation: Conversation,
    keyboard: Keyboard,
    /// Newest message shown from history; what waited before it need not be shown twice.
    shown: Option<Mid>,
    last_sent: Option<Mid>,
    under_way: VecDeque<Confirmation>,
    /// A refused message, for the exit code when nobody watches.
    refused: Option<SendError>,
}

impl Chat<'_> {
    async fn talk(&mut self, history: u16) -> Result<(), Failure> {
        if self.keyboard.is_terminal() {
            self.keyboard.print("type a line to send it, /help for help")?;
        }
        if history > 0 {
            self.show_history(usize::from(history)).await?;
        }
        loop {
            tokio::select! {
                // Confirmations first: the end of input ends the loop only when nothing is under way.
                biased;
                result = oldest(&mut self.under_way) => self.confirmed(result)?,
                event = self.client.next_event() => match event {
                    Some(Event::LoggedOut { reason }) => return Err(Failure::logged_out(&reason)),
                    Some(event) => self.show(&event)?,
                    None => return Ok(()),
                },
                line = self.keyboard.line() => match line {
                    Some(line) if line.trim() == "/quit" => break,
                    Some(line) => {
                        self.typed(line.trim_end()).await?;
                        self.keyboard.ask();
                    }
                    None => break,
                },
            }
        }
        self.confirm_all().await?;
        match self.refused.take() {
            Some(error) if !self.keyboard.is_terminal() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Waits until everything typed so far is stored or refused.
    async fn confirm_all(&mut self) -> Result<(), Failure> {
        while !self.under_way.is_empty() {
            let result = oldest(&mut self.under_way).await;
            self.confirmed(result)?;
        }
        Ok(())
    }

    async fn typed(&mut self, line: &str) -> Result<(), Failure> {
        let (text, is_command) = match line.strip_prefix('/') {
            None => (line, false),
            Some(rest) if rest.starts_with('/') => (rest, false),
            Some(rest) => (rest, true),
        };
        if !is_command {
            if !text.trim().is_empty() {
                match self
                    .client
                    .submit(self.conversation.clone(), Outgoing::text(text))
                    .await
                {
                    Ok(confirmation) => self.under_way.push_back(confirmation),
                    Err(error) => self.keyboard.print(&format!("! not sent: {error}"))?,
                }
            }
            return Ok(());
        }
        let (command, argument) = text.split_once(' ').unwrap_or((text, ""));
        let number: Option<i64> = argument.trim().trim_start_matches('#').parse().ok();
        match command {
            "help" => {
                self.keyboard.print(HELP)?;
                match self.conversation {
                    Conversation::Room(_) => self.keyboard.print(ROOM_HELP),
                    _ => Ok(()),
                }
            }
            "status" => {
                let presence = Presence::new().with_status(argument.trim());
                let client = self.client.clone();
                self.request(async move { client.set_presence(presence).await })
                    .await
            }
            "history" => {
                let limit = number
                    .and_then(|number| usize::try_from(number).ok())
                    .unwrap_or(20)
                    .min(1000);
                self.show_history(limit).await
            }
            "recall" => {
                let mid = if argument.is_empty() {
                    self.last_sent
                } else {
                    number.and_then(Mid::new)
                };
                self.recall(mid).await
            }
            "burn" => self.burn(number.and_then(Mid::new)).await,
            _ => self.room_command(command, argument.trim()).await,
        }
    }

    async fn room_command(&mut self, command: &str, argument: &str) -> Result<(), Failure> {
        let Conversation::Room(id) = &self.conversation else {
            return self.keyboard.print("! unknown command; /help lists them");
        };
        let room = self.client.room(id);
        let (name, text) = argument.split_once(' ').unwrap_or((argument, ""));
        let text = text.trim().to_owned();
        match command {
            "members" => return self.members(room).await,
            "leave" => return self.request(async move { room.leave().await }).await,
            "private" | "invite" | "approve" | "reject" | "kick" => {}
            _ => return self.keyboard.print("! unknown command; /help lists them"),
        }
        let node = match self.account.profile.resolve(name) {
            Ok(node) => node,
            Err(failure) => return self.keyboard.print(&format!("! {failure}")),
        };
        match command {
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

    async fn members(&mut self, room: Room) -> Result<(), Failure> {
        match self.meanwhile(async move { room.members().await }).await? {
            Some(Ok(members)) => {
                for member in members {
                    let who = self.display(&member);
                    self.keyboard.print(&format!("  {who}"))?;
                }
                Ok(())
            }
            Some(Err(error)) => self.keyboard.print(&format!("! {error}")),
            None => Ok(()),
        }
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
        let Some(mid) = mid else {
            return self.keyboard.print("! which message? /burn N");
        };
        let (client, peer) = (self.client.clone(), self.peer.clone());
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

    async fn show_history(&mut self, limit: usize) -> Result<(), Failure> {
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

    fn show(&mut self, event: &Event) -> Result<(), Failure> {
        match event {
            Event::Message(message) => {
                let is_here = message.conversation == self.conversation;
                let is_old = message.mid.is_some() && message.mid <= self.shown;
                if is_here && is_old {
                    Ok(())
                } else {
                    self.show_message(message)
                }
            }
            Event::Recalled(removal) => {
                let who = self.display(&removal.by);
                self.keyboard.print(&format!("- {who} recalled #{}", removal.mid))
            }
            Event::Burned(removal) => {
                let who = self.display(&removal.by);
                self.keyboard.print(&format!("- {who} burned #{}", removal.mid))
            }
            Event::Notice(notice) => {
                let who = self.account.display(notice.from.as_ref()).to_owned();
                let node = notice.from.as_ref().map(ToString::to_string).unwrap_or_default();
                self.keyboard
                    .print(&format!("- {}", output::notice(notice, &who, &node)))
            }
            Event::PresenceChanged(change) if change.from != *self.client.node() => {
                let who = self.account.profile.display(&change.from);
                self.keyboard
                    .print(&format!("- {}", output::presence(change, who)))
            }
            Event::Disconnected { retry_in, .. } => {
                let seconds = retry_in.as_secs_f64();
                self.keyboard
                    .print(&format!("- connection lost, next attempt in {seconds:.1} s"))
            }
            Event::Connected { again: true, .. } => self.keyboard.print("- connected again"),
            Event::ServerError { refusal, .. } => self.keyboard.print(&format!("! refused: {refusal}")),
            Event::Unreadable { what, .. } => self.keyboard.print(&format!("! skipped {what}")),
            _ => Ok(()),
        }
    }

    fn show_message(&mut self, message: &Incoming) -> Result<(), Failure> {
        let who = name_of_sender(self.account, message);
        let mut line = output::message(message, who);
        if message.conversation != self.conversation {
            line = format!("[elsewhere] {line}");
        }
        self.keyboard.print(&line)
    }

    fn confirmed(&mut self, result: Result<Sent, SendError>) -> Result<(), Failure> {
        match result {
            Ok(sent) => {
                self.last_sent = sent.mid;
                // Typed lines stand on the screen without time and number.
                match (sent.mid, sent.timestamp) {
                    (Some(mid), Some(time)) if self.keyboard.is_terminal() => self
                        .keyboard
                        .print(&format!("{} #{mid} sent", output::clock(time))),
                    _ => Ok(()),
                }
            }
            Err(SendError::Closed) => Ok(()),
            Err(error) => {
                let text = format!("! not sent: {error}");
                self.refused.get_or_insert(error);
                if self.keyboard.is_terminal() {
                    self.keyboard.print(&text)
                } else {
                    Ok(())
                }
            }
        }
    }

    fn display(&self, node: &Node) -> String {
        if node == self.client.node() {
            "you".to_owned()
        } else {
            output::harmless(self.account.profile.display(node))
        }
    }
}

/// The outcome of the oldest message under way; never, when there is none.
async fn oldest(under_way: &mut VecDeque<Confirmation>) -> Result<Sent, SendError> {
    match under_way.front_mut() {
        Some(confirmation) => {
            let result = confirmation.await;
            under_way.pop_front();
            result
        }
        None => std::future::pending().await,
    }
}
