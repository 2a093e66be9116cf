//! Sending from the command line and from pipes.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use tim_client::{Client, Confirmation, Conversation, Outgoing, SendError, Sent};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::connection::{Account, Purpose};
use crate::failure::Failure;
use crate::output;

/// Largest text read from standard input, in bytes. Servers accept less by default.
const MAX_TEXT: u64 = 32 << 20;

/// Messages under way at the same time.
const WINDOW: usize = 200;

pub(crate) async fn run(
    account: &Account,
    node: &str,
    is_room: bool,
    words: &[String],
    lines: bool,
    timeout: u64,
) -> Result<(), Failure> {
    let to = super::conversation(account, node, is_room)?;
    let text = match (words, lines) {
        ([], false) => Some(read_all().await?),
        ([], true) => None,
        (words, _) => Some(words.join(" ")),
    };
    if text.as_deref().is_some_and(str::is_empty) {
        return Err(Failure::usage("there is nothing to send"));
    }
    let client = account.connect(Purpose::Errand).await?;
    let mut sender = Sender {
        account,
        client: &client,
        to,
        patience: Duration::from_secs(timeout),
        under_way: VecDeque::new(),
        refused: None,
    };
    let result = match text {
        Some(text) => sender.send(text).await,
        None => sender.send_lines().await,
    };
    let result = match result {
        Ok(()) => sender.finish().await,
        Err(failure) => Err(failure),
    };
    client.close().await;
    result
}

struct Sender<'a> {
    account: &'a Account,
    client: &'a Client,
    to: Conversation,
    patience: Duration,
    under_way: VecDeque<Confirmation>,
    /// The first refusal. The others are still sent.
    refused: Option<SendError>,
}

impl Sender<'_> {
    async fn send_lines(&mut self) -> Result<(), Failure> {
        let mut input = BufReader::new(tokio::io::stdin()).take(MAX_TEXT);
        let mut line = Vec::new();
        loop {
            line.clear();
            input.set_limit(MAX_TEXT);
            if input.read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            let text =
                std::str::from_utf8(&line).map_err(|_| Failure::usage("the input is not valid UTF-8"))?;
            let text = text.trim_end_matches(['\n', '\r']);
            if !text.is_empty() {
                self.send(text.to_owned()).await?;
            }
        }
    }

    async fn send(&mut self, text: String) -> Result<(), Failure> {
        if self.under_way.len() >= WINDOW {
            self.confirm_oldest().await?;
        }
        let submit = self.client.submit(self.to.clone(), Outgoing::text(text));
        let confirmation = tokio::time::timeout(self.patience, submit)
            .await
            .map_err(|_| self.too_late())??;
        self.under_way.push_back(confirmation);
        Ok(())
    }

    async fn finish(mut self) -> Result<(), Failure> {
        while !self.under_way.is_empty() {
            self.confirm_oldest().await?;
        }
        match self.refused {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    async fn confirm_oldest(&mut self) -> Result<(), Failure> {
        let Some(confirmation) = self.under_way.pop_front() else {
            return Ok(());
        };
        match tokio::time::timeout(self.patience, confirmation)
            .await
            .map_err(|_| self.too_late())?
        {
            Ok(sent) => self.report(sent),
            Err(error @ (SendError::Refused(_) | SendError::TooLargeForServer { .. })) => {
                self.refused.get_or_insert(error);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn report(&self, sent: Sent) -> Result<(), Failure> {
        let mid = sent.mid.map(|mid| mid.get());
        if self.account.options().json {
            let timestamp = sent.timestamp.map(|time| time.nanos());
            output::line(&json!({"mid": mid, "id": sent.id, "timestamp": timestamp}).to_string())?;
        } else if output::is_terminal() {
            output::line(&mid.map_or_else(|| "sent".to_owned(), |mid| format!("sent, message #{mid}")))?;
        }
        Ok(())
    }

    fn too_late(&self) -> Failure {
        Failure::TimedOut(format!(
            "nothing was confirmed for {} seconds",
            self.patience.as_secs()
        ))
    }
}

async fn read_all() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = tokio::io::stdin()
        .take(MAX_TEXT + 1)
        .read_to_end(&mut bytes)
        .await?;
    if read as u64 > MAX_TEXT {
        return Err(Failure::usage("the input is larger than 32 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::usage("the input is not valid UTF-8"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
