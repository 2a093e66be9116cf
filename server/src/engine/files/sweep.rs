//! Removes the bytes of deleted files, files that nobody named in time, and what crashes left behind.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio::sync::watch;

use super::FileError;
use crate::blobs::Blobs;
use crate::engine::Engine;
use crate::store::{FileId, Store};

/// How often it is looked at most for files that nobody named.
const LONGEST_ROUND: Duration = Duration::from_secs(60);
/// Pause after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// How often all blobs are compared with the records.
const COMPARE_EVERY: Duration = Duration::from_secs(86_400);
/// Files in one step.
const STEP: usize = 256;

/// Gives up what was arriving when the server ended. To be called once, before the first file arrives.
///
/// # Errors
/// The store or the place of the bytes failed.
pub async fn recover(store: &dyn Store, blobs: &Blobs) -> Result<(), FileError> {
    let (abandoned, unfinished) = (store.abandon_files().await?, blobs.tidy().await?);
    if abandoned > 0 || unfinished > 0 {
        tracing::info!(
            abandoned,
            unfinished,
            "files that had not arrived when the server ended were given up"
        );
    }
    Ok(())
}

pub(in crate::engine) async fn run(engine: Arc<Engine>, mut stop: watch::Receiver<bool>) {
    let Some(blobs) = engine.files.blobs.clone() else {
        return;
    };
    let round = (engine.settings.files.unused_lifetime / 4).clamp(Duration::from_millis(100), LONGEST_ROUND);
    let mut rounds = tokio::time::interval(round);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut comparisons = tokio::time::interval(COMPARE_EVERY);
    loop {
        // What runs is broken off at the end of the server: every step is taken up again by the next one.
        let done = tokio::select! {
            _ = stop.wait_for(|is_over| *is_over) => return,
            done = async {
                tokio::select! {
                    _ = comparisons.tick() => engine.remove_strays(&blobs).await,
                    _ = rounds.tick() => engine.remove_unused(&blobs).await,
                    () = engine.files.deleted.notified() => engine.remove_deleted(&blobs).await,
                }
            } => done,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "files that are deleted still take space");
            tokio::select! {
                _ = stop.wait_for(|is_over| *is_over) => return,
                () = tokio::time::sleep(AFTER_FAILURE) => {}
            }
        }
    }
}

impl Engine {
    async fn remove_unused(&self, blobs: &Blobs) -> Result<(), FileError> {
        let before = self.clock.now().minus(self.settings.files.unused_lifetime);
        while self.store.expire_files(before, STEP).await? > 0 {
            self.remove_deleted(blobs).await?;
        }
        self.remove_deleted(blobs).await
    }

    async fn remove_deleted(&self, blobs: &Blobs) -> Result<(), FileError> {
        loop {
            let deleted = self.store.deleted_files(STEP).await?;
            if deleted.is_empty() {
                return Ok(());
            }
            for id in &deleted {
                blobs.delete(id).await?;
            }
            self.store.forget_files(deleted).await?;
        }
    }

    /// A blob without a record can never be read. A record is there before its blob, so whatever has
    /// none is left over from a deletion that a crash broke off.
    async fn remove_strays(&self, blobs: &Blobs) -> Result<(), FileError> {
        let mut listed = blobs.list().try_chunks(STEP);
        while let Some(found) = listed.try_next().await.map_err(|error| error.1)? {
            let strays: Vec<FileId> = self.store.unknown_files(found).await?;
            for id in &strays {
                blobs.delete(id).await?;
            }
            if !strays.is_empty() {
                tracing::info!(
                    count = strays.len(),
                    "bytes of files without a record were removed"
                );
            }
        }
        Ok(())
    }
}
