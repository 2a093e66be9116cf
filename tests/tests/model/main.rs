//! Random scripts of friends, rooms and messages, played by several people with one or two devices each in mixed
//! encodings on a real server and compared with a small model: every answer, everything each device gets to
//! see, every list and every history. A script that fails is made as short as possible.
//!
//! `TIM_MODEL_CASES` is the number of scripts (default 25), `TIM_MODEL_SEED` plays the script of one seed,
//! `TIM_MODEL_FIRST_SEED` is the first seed (default 1), `TIM_MODEL_STEPS` the length of a script (default 60).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: a failed expectation is a failed test"
)]

mod model;
mod reach;
mod script;
mod shrink;
mod stage;

use std::sync::Arc;
use std::time::Duration;

use tim_tests::Server;

use model::Mistake;
use script::Script;

/// Steps of a script.
const STEPS: usize = 60;
/// How long what is missing is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same while a script is made shorter.
const LITTLE_PATIENCE: Duration = Duration::from_millis(200);

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

fn steps() -> usize {
    let steps = number_from("TIM_MODEL_STEPS");
    steps.map_or(STEPS, |steps| usize::try_from(steps).expect("a number of steps"))
}

/// Plays the script of a seed; the shortest script that fails, and how.
async fn failure(
    server: &Arc<Server>,
    seed: u64,
    mistake: Mistake,
    patience: Duration,
) -> Option<(Script, String)> {
    let script = Script::generate(seed, steps());
    let failure = stage::play(server, &script, mistake, patience).await.err()?;
    let patience = LITTLE_PATIENCE.min(patience);
    let play = async |script: &Script| stage::play(server, script, mistake, patience).await;
    Some(shrink::shrink(script, failure, play).await)
}

/// The last warnings and errors in the log of a server.
fn complaints(server: &Server) -> String {
    let log = server.log().text_from(0);
    let lines = log
        .lines()
        .filter(|line| line.contains("WARN") || line.contains("ERROR"));
    let mut lines: Vec<&str> = lines.collect();
    lines.drain(..lines.len().saturating_sub(5));
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_does_what_the_model_does() {
    let server = Arc::new(Server::start());
    let seeds = match number_from("TIM_MODEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let first = number_from("TIM_MODEL_FIRST_SEED").unwrap_or(1);
            first..first + number_from("TIM_MODEL_CASES").unwrap_or(25)
        }
    };
    for seed in seeds {
        if let Some((script, what)) = failure(&server, seed, Mistake::None, PATIENCE).await {
            let complaints = complaints(&server);
            panic!("TIM_MODEL_SEED={seed}, shortened:\n{script:?}{what}\n{complaints}");
        }
    }
}

/// A mistake in the model stands for one in the server: it is found, and told in a few steps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_is_found_and_told_in_a_few_steps() {
    let server = Arc::new(Server::start());
    for mistake in [
        Mistake::KickedStay,
        Mistake::RecalledWait,
        Mistake::BlockedStayFriends,
    ] {
        let mut found = None;
        for seed in 1..=60 {
            found = failure(&server, seed, mistake, LITTLE_PATIENCE).await;
            if found.is_some() {
                break;
            }
        }
        let (script, what) = found.unwrap_or_else(|| panic!("{mistake:?} was not found"));
        assert!(
            script.steps.len() <= 6,
            "{mistake:?} takes too long to tell:\n{script:?}{what}"
        );
        let honest = stage::play(&server, &script, Mistake::None, PATIENCE).await;
        assert_eq!(honest, Ok(()), "{mistake:?}: {script:?}");
    }
}
