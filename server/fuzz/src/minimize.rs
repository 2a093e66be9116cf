//! Makes a script shorter as long as it still shows what it is kept for.

use anyhow::Result;

use crate::script::Script;
use crate::stage::{Outcome, Stage};

/// Removes steps, larger parts first, while `shows` holds. Plays at most `plays` scripts, each on the stage that
/// `stage` gives, and answers the shortest that was found.
///
/// # Errors
/// The stage fails.
pub async fn minimize(
    script: &Script,
    stage: &mut Stage,
    plays: usize,
    shows: impl Fn(&Outcome) -> bool,
) -> Result<Script> {
    let mut best = script.clone();
    let mut left = plays;
    let mut size = best.0.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < best.0.len() {
            if left == 0 {
                return Ok(best);
            }
            left -= 1;
            let mut shorter = best.clone();
            shorter.0.drain(at..(at + size).min(best.0.len()));
            if shows(&stage.play(&shorter).await?) {
                best = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    Ok(best)
}
