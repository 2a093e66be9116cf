//! Chatting by hand with one person, or in a room. What can be typed besides messages is in `commands`.

mod commands;
mod keyboard;

use std::collections::VecDeque;

use tim_client::{Client, Confirmation, Conversation, Event, Incoming, Mid, Node, SendError, Sent};

use self::keyboard::Keyboard;
use super::history::name_of_sender;
use crate::connection::{Account, Purpose};
use crate::failure::Failure;
use crate::output;

pub(crate) async fn run(account: &Account, node: &str, is_room: bool, history: u16) -> Result<(), Failure> {
    let conversation = super::conversation(account, node, is_room)?;
    let client = account.connect(Purpose::Receive).await?;
    let keyboard = Keyboard::start(prompt(account, &conversation));
    let mut chat = Chat {
        account,
        client: &client,
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
                        Box::pin(self.typed(line.trim_end())).await?;
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

/// What stands before the line being typed.
fn prompt(account: &Account, conversation: &Conversation) -> String {
    let shown = |node| output::harmless(account.profile.display(node));
    match conversation {
        Conversation::Peer(peer) => format!("to {}> ", shown(peer)),
        Conversation::Room(room) => format!("room {}> ", shown(room.as_node())),
        _ => "> ".to_owned(),
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
