//! The task behind a client: carries out what the session core wants and feeds it with what arrives.

use std::collections::VecDeque;
use std::future;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::shared::Shared;
use crate::runtime::{self, Source, Task, WakeSignals};
use crate::session::{Action, Renewal, Status};
use crate::transport::{Connection, Connector, Ended};

/// Packets read before others get their turn.
const READS: usize = 64;

/// Fetches new credentials.
pub(super) type CredentialSource = Source<Renewal>;

enum Link {
    None,
    Opening(Task<Result<Connection, String>>),
    Open(Box<Connection>),
}

/// What a link reports.
enum Report {
    Opened(Box<Connection>),
    NotOpened(String),
    /// Packets were received.
    Progress,
    Ended(Ended),
}

pub(super) struct Driver {
    shared: Arc<Shared>,
    connector: Connector,
    credentials: Option<CredentialSource>,
    link: Link,
    /// A connection that says goodbye.
    closing: Option<Task<()>>,
    fetching: Option<Task<Renewal>>,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        connector: Connector,
        credentials: Option<CredentialSource>,
    ) -> Self {
        Self {
            shared,
            connector,
            credentials,
            link: Link::None,
            closing: None,
            fetching: None,
        }
    }

    /// Runs until the session has ended and its connection is closed.
    pub(super) async fn run(mut self) {
        let weak = Arc::downgrade(&self.shared);
        let _signals = WakeSignals::listen(move || {
            if let Some(shared) = weak.upgrade() {
                shared.nudge();
            }
        });
        loop {
            self.act();
            self.shared.dispatch();
            if self.is_done() {
                break;
            }
            self.wait().await;
        }
        self.shared.lock().is_done = true;
        self.shared.dispatch();
        self.shared.done.notify_waiters();
    }

    fn is_done(&self) -> bool {
        let has_ended = self.shared.lock().session.status() == Status::Ended;
        has_ended && matches!(self.link, Link::None) && self.closing.is_none()
    }

    /// Carries out the actions of the core.
    fn act(&mut self) {
        loop {
            let mut state = self.shared.lock();
            let Some(action) = state.session.poll_action() else {
                return;
            };
            match action {
                Action::Open => {
                    drop(state);
                    self.link = Link::Opening(Box::pin(self.connector.clone().open()));
                }
                Action::Close => {
                    let now = self.shared.now();
                    // Acknowledgements of a session that was closed; nothing otherwise.
                    let mut rest = VecDeque::new();
                    while let Some(packet) = state.session.poll_packet(now) {
                        rest.push_back(packet);
                    }
                    drop(state);
                    if let Link::Open(connection) = std::mem::replace(&mut self.link, Link::None) {
                        self.closing = Some(Box::pin(connection.close(rest)));
                    }
                }
                Action::FetchCredentials => match &self.credentials {
                    Some(source) => {
                        drop(state);
                        self.fetching = Some(source());
                    }
                    None => {
                        let now = self.shared.now();
                        state.session.renew(now, Renewal::SignedOut);
                    }
                },
            }
        }
    }

    /// Waits until something happens and tells the core.
    async fn wait(&mut self) {
        let deadline = self.shared.lock().session.deadline();
        let time = async {
            match deadline {
                Some(deadline) => runtime::sleep_until(&self.shared.clock, deadline).await,
                None => future::pending().await,
            }
        };
        let shared = &self.shared;
        tokio::select! {
            report = future::poll_fn(|cx| self.link.poll(cx, shared)) => self.report(report),
            () = shared.work.notified() => {}
            () = time => {
                let now = shared.now();
                shared.lock().session.tick(now);
            }
            () = optional(&mut self.closing) => self.closing = None,
            renewal = optional(&mut self.fetching) => {
                self.fetching = None;
                let now = shared.now();
                shared.lock().session.renew(now, renewal);
            }
        }
    }

    fn report(&mut self, report: Report) {
        let now = self.shared.now();
        let mut state = self.shared.lock();
        match report {
            Report::Opened(connection) => {
                state.session.opened(now);
                self.link = Link::Open(connection);
            }
            Report::NotOpened(reason) => {
                self.link = Link::None;
                state.session.closed(now, reason);
            }
            Report::Progress => {}
            Report::Ended(ended) => {
                self.link = Link::None;
                if ended.too_large {
                    state.session.packet_was_too_large();
                }
                state.session.closed(now, ended.reason);
            }
        }
    }
}

impl Link {
    fn poll(&mut self, cx: &mut Context<'_>, shared: &Shared) -> Poll<Report> {
        match self {
            Self::None => Poll::Pending,
            Self::Opening(opening) => opening.as_mut().poll(cx).map(|result| match result {
                Ok(connection) => Report::Opened(Box::new(connection)),
                Err(reason) => Report::NotOpened(reason),
            }),
            Self::Open(connection) => exchange(connection, cx, shared),
        }
    }
}

/// Writes what the core has and reads what has arrived.
fn exchange(connection: &mut Connection, cx: &mut Context<'_>, shared: &Shared) -> Poll<Report> {
    let now = shared.now();
    let mut has_written = false;
    let written = connection.poll_write(cx, || {
        let packet = shared.lock().session.poll_packet(now);
        has_written |= packet.is_some();
        packet
    });
    let write_error = match written {
        Poll::Ready(Err(ended)) => Some(ended),
        Poll::Ready(Ok(())) | Poll::Pending => None,
    };
    for count in 0..READS {
        // What waits to be written comes first: the connection wakes this task when it takes something again.
        let read = if shared.lock().session.wants_input() {
            connection.poll_read(cx)
        } else {
            Poll::Pending
        };
        match read {
            Poll::Ready(Ok(packet)) => shared.lock().session.receive(now, &packet),
            // What the server said last tells more than that writing failed.
            Poll::Ready(Err(ended)) => return Poll::Ready(Report::Ended(ended)),
            Poll::Pending if count > 0 => return Poll::Ready(Report::Progress),
            Poll::Pending => {
                return match write_error {
                    Some(ended) => Poll::Ready(Report::Ended(ended)),
                    // Live data counts as sent when it is written: somebody may wait to hear that.
                    None if has_written => Poll::Ready(Report::Progress),
                    None => Poll::Pending,
                };
            }
        }
    }
    Poll::Ready(Report::Progress)
}

/// Waits for a task if there is one.
async fn optional<T>(task: &mut Option<Task<T>>) -> T {
    match task {
        Some(task) => task.await,
        None => future::pending().await,
    }
}
