//! Receiving for scripts: one JSON object per line. A message counts as received when its line was written.

use std::time::Duration;

use tim_client::Event;
use tokio::time::Instant;

use crate::connection::{Account, Purpose};
use crate::failure::Failure;
use crate::output;

/// A hundred years: as good as no limit.
const FOREVER: Duration = Duration::from_secs(3_155_760_000);

pub(crate) async fn run(
    account: &Account,
    count: Option<u64>,
    timeout: Option<f64>,
    drain: bool,
    presence: bool,
) -> Result<(), Failure> {
    let limit = match timeout {
        None => FOREVER,
        Some(seconds) => Duration::try_from_secs_f64(seconds)
            .map_err(|_| Failure::usage("--timeout must be a positive number of seconds"))?
            .min(FOREVER),
    };
    if count == Some(0) {
        return Ok(());
    }
    let client = account.connect(Purpose::Receive).await?;
    let deadline = Instant::now() + limit;
    let mut remaining = count;
    let result = loop {
        let event = tokio::select! {
            event = client.next_event() => event,
            () = tokio::time::sleep_until(deadline) => {
                break match remaining {
                    Some(missing) => Err(Failure::TimedOut(format!("messages that did not arrive in time: {missing}"))),
                    None => Ok(()),
                };
            }
            stopped = tokio::signal::ctrl_c() => break stopped.map_err(Into::into),
        };
        let Some(event) = event else { break Ok(()) };
        if let Event::LoggedOut { reason } = &event {
            break Err(Failure::logged_out(reason));
        }
        // What could not be written is not acknowledged: the client is dropped, not closed.
        print(&event, presence)?;
        if let (Event::Message(_), Some(missing)) = (&event, &mut remaining) {
            *missing -= 1;
            if *missing == 0 {
                break Ok(());
            }
        }
        if drain && matches!(event, Event::OfflineDrained { .. }) {
            break Ok(());
        }
    };
    // Acknowledges what was printed.
    client.close().await;
    result
}

fn print(event: &Event, presence: bool) -> Result<(), Failure> {
    let object = match event {
        Event::Message(message) => output::message_json(message),
        Event::Recalled(removal) => output::removal_json("recalled", removal),
        Event::Burned(removal) => output::removal_json("burned", removal),
        Event::Notice(notice) => output::notice_json(notice),
        Event::PresenceChanged(change) if presence => output::presence_json(change),
        Event::Disconnected { retry_in, .. } => {
            output::complain(&format!(
                "connection lost, next attempt in {:.1} s",
                retry_in.as_secs_f64()
            ));
            return Ok(());
        }
        Event::Connected { again: true, .. } => {
            output::complain("connected again");
            return Ok(());
        }
        Event::Unreadable { what, .. } => {
            output::complain(&format!("skipped {what}"));
            return Ok(());
        }
        _ => return Ok(()),
    };
    Ok(output::line(&object.to_string())?)
}
