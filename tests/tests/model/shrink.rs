//! Makes a failing script short: leaves out ever smaller pieces as long as it still fails.

use std::time::{Duration, Instant};

use crate::script::{Script, Step};
use crate::stage::Outcome;

/// Runs at most.
const RUNS: usize = 200;
/// Time at most.
const TIME: Duration = Duration::from_secs(60);

/// The shortest failing script that was found, and how it fails. `fails` plays a script.
pub(crate) async fn shrink(
    script: Script,
    failure: String,
    mut play: impl AsyncFnMut(&Script) -> Outcome,
) -> (Script, String) {
    let began = Instant::now();
    let mut shortest = (script, failure);
    let mut piece = shortest.0.steps.len().div_ceil(2).max(1);
    let mut runs = 0;
    loop {
        let mut at = 0;
        let mut is_shorter = false;
        while at < shortest.0.steps.len() {
            if runs == RUNS || began.elapsed() > TIME {
                return shortest;
            }
            runs += 1;
            let script = without(&shortest.0, at, piece);
            match play(&script).await {
                Err(failure) => {
                    shortest = (script, failure);
                    is_shorter = true;
                }
                Ok(()) => at += piece,
            }
        }
        if piece == 1 && !is_shorter {
            return shortest;
        }
        piece = piece.div_ceil(2).max(1);
    }
}

fn without(script: &Script, at: usize, count: usize) -> Script {
    let keep = |(index, step): (usize, &Step)| {
        let is_out = (at..at + count).contains(&index);
        (!is_out).then(|| step.clone())
    };
    Script {
        steps: script.steps.iter().enumerate().filter_map(keep).collect(),
        ..script.clone()
    }
}
