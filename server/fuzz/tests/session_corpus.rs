//! Plays the corpus of the session fuzzer, and the seeds that it begins with.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use tim_session_fuzz::script::Script;
use tim_session_fuzz::stage::Stage;
use tim_session_fuzz::{search, seeds};

async fn play_all(scripts: Vec<(String, Script)>) {
    let mut stage = Stage::build().await.unwrap();
    for (name, script) in scripts {
        let outcome = stage.play(&script).await.unwrap();
        assert!(outcome.wrong.is_empty(), "{name}: {:#?}\n{script}", outcome.wrong);
    }
    let last = stage.close().await;
    assert!(last.is_empty(), "while the server stopped: {last:#?}");
}

/// One test, because panics and logged errors are noticed for the whole process.
#[tokio::test]
async fn nothing_that_was_ever_interesting_breaks_a_server() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let corpus = search::read_corpus(&folder).unwrap();
    assert!(corpus.len() > 100, "{} scripts", corpus.len());
    Box::pin(play_all(corpus)).await;
    let seeds = seeds::all().into_iter().enumerate();
    Box::pin(play_all(
        seeds
            .map(|(number, script)| (format!("seed {number}"), script))
            .collect(),
    ))
    .await;
}
