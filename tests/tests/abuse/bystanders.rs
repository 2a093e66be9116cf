//! Two friends who chat while others misbehave, and notice if anything disturbs them.

use tim_tests::chat::words;
use tim_tests::{Encoding, Server, friends};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A chat that goes on until it is asked how it was.
pub(crate) struct Bystanders {
    stop: watch::Sender<bool>,
    chat: JoinHandle<usize>,
}

impl Bystanders {
    /// Two new friends begin to chat.
    pub(crate) async fn start(server: &Server) -> Self {
        let (pair, mut a, mut b) = friends(server, Encoding::Compact).await;
        let (stop, stopping) = watch::channel(false);
        let chat = tokio::spawn(async move {
            let mut count = 0;
            while !*stopping.borrow() {
                let text = format!("undisturbed {count}");
                let echo = a.chat(&pair.b.node, &text).await;
                assert_eq!(words(&b.delivery().await), text);
                count += 1;
                assert_eq!(echo.mid, Some(i64::try_from(count).unwrap()));
            }
            assert_eq!(a.whole_history(&pair.b.node).await.len(), count);
            count
        });
        Self { stop, chat }
    }

    /// Ends the chat. Panics when anything went wrong in it.
    pub(crate) async fn were_undisturbed(self) {
        self.stop.send_replace(true);
        let count = tim_tests::within("the bystanders", self.chat).await.unwrap();
        assert!(count > 0, "they chatted");
    }
}
