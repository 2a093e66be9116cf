//! Sessions of the SDK for tests: logging in, taking events with a time limit.

use std::time::Duration;

use tim_client::{Client, ClientBuilder, Credentials, Event, Incoming, Node, NoticeKind, Reconnect};
use tim_tests::{Encoding, Person, Server, secrets, within};

/// A session with its account.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) person: Person,
}

/// A builder that reconnects fast.
pub(crate) fn builder(server: &Server, encoding: Encoding, resource: &str) -> ClientBuilder {
    ClientBuilder::new(&format!("ws://{}", server.address()))
        .unwrap()
        .encoding(encoding)
        .resource(resource)
        .reconnect(Reconnect {
            enabled: true,
            first: Duration::from_millis(20),
            shortest: Duration::from_millis(5),
            longest: Duration::from_millis(100),
        })
}

pub(crate) fn credentials(person: &Person) -> Credentials {
    Credentials::password(&person.name, &person.password)
}

impl Session {
    /// Logs in and waits until what was waiting has been announced as drained. Nothing may have waited.
    pub(crate) async fn open(server: &Server, encoding: Encoding, person: &Person, resource: &str) -> Self {
        let (session, waiting) = Self::open_with_backlog(server, encoding, person, resource).await;
        assert_eq!(waiting, [], "nothing waited");
        session
    }

    /// Logs in and takes everything that waited.
    pub(crate) async fn open_with_backlog(
        server: &Server,
        encoding: Encoding,
        person: &Person,
        resource: &str,
    ) -> (Self, Vec<Event>) {
        let client = within(
            "a login",
            builder(server, encoding, resource).connect(credentials(person)),
        )
        .await;
        let session = Self {
            client: client.unwrap(),
            person: person.clone(),
        };
        assert_eq!(session.client.node().as_str(), person.node);
        let waiting = session.until_drained().await;
        (session, waiting)
    }

    /// Registers an account and logs it in.
    pub(crate) async fn register(server: &Server, encoding: Encoding) -> Self {
        let person = Person::register(server).await;
        Self::open(server, encoding, &person, "phone").await
    }

    pub(crate) fn node(&self) -> &Node {
        self.client.node()
    }

    /// The next event that is not about the connection.
    pub(crate) async fn event(&self) -> Event {
        loop {
            match within("an event", self.client.next_event())
                .await
                .expect("an event")
            {
                Event::Connected { .. } | Event::Disconnected { .. } | Event::OfflineDrained { .. } => {}
                event => return event,
            }
        }
    }

    /// Everything up to the announcement that the offline queue is drained.
    pub(crate) async fn until_drained(&self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match within("the offline queue", self.client.next_event())
                .await
                .expect("an event")
            {
                Event::OfflineDrained { count } => {
                    assert_eq!(usize::try_from(count).unwrap(), events.len());
                    return events;
                }
                Event::Connected { .. } | Event::Disconnected { .. } => {}
                event => events.push(event),
            }
        }
    }

    pub(crate) async fn message(&self) -> Incoming {
        match self.event().await {
            Event::Message(message) => *message,
            other => panic!("a message was expected: {other:?}"),
        }
    }

    pub(crate) async fn words(&self) -> String {
        words(&self.message().await)
    }

    pub(crate) async fn notice(&self) -> (NoticeKind, Node, Option<String>) {
        match self.event().await {
            Event::Notice(notice) => (notice.kind, notice.from.expect("a sender"), notice.text),
            other => panic!("a notice was expected: {other:?}"),
        }
    }

    /// Checks that no event waits: one that arrives before the answer to a request would be there.
    pub(crate) async fn expect_silence(&self) {
        for _ in 0..2 {
            self.client.friends().await.unwrap();
        }
        while let Some(event) = futures_util::FutureExt::now_or_never(self.client.next_event()) {
            let is_about_the_connection = matches!(
                event,
                Some(Event::Connected { .. } | Event::Disconnected { .. } | Event::OfflineDrained { .. })
            );
            assert!(is_about_the_connection, "no event was expected: {event:?}");
        }
    }

    /// Sends a text with the mark.
    pub(crate) async fn say(&self, peer: &Node, words: &str) -> tim_client::Sent {
        let send = self.client.send_text(peer, secrets::text(words));
        within("a confirmation", send).await.unwrap()
    }
}

pub(crate) fn words(message: &Incoming) -> String {
    let text = message.text.as_deref().expect("a text");
    text.strip_suffix(secrets::TEXT)
        .expect("the mark")
        .trim_end()
        .to_owned()
}

/// Two friends with nothing waiting.
pub(crate) async fn friends(server: &Server, encoding: Encoding) -> (Session, Session) {
    let a = Session::register(server, encoding).await;
    let b = Session::register(server, encoding).await;
    befriend(&a, &b).await;
    (a, b)
}

pub(crate) async fn befriend(a: &Session, b: &Session) {
    a.client
        .add_friend(b.node(), secrets::text("hello"))
        .await
        .unwrap();
    assert_eq!(b.notice().await.0, NoticeKind::FriendRequest);
    b.client.accept_friend(a.node()).await.unwrap();
    assert_eq!(a.notice().await.0, NoticeKind::FriendsNow);
}
