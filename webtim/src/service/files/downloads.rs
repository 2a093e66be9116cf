//! Files from the server: saved to the disk, or held while the page shows them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::fetching::{self, Failure};
use super::probe::LocalAddress;
use super::saving::{COLLECTED, Target, can_write_to_disk};
use super::{Abort, describe};
use crate::fields::File;
use crate::model::{Download, Trouble};
use crate::service::Service;

/// Voice messages and pictures read once, as they are held at most.
const HELD: usize = 24;

#[derive(Default)]
pub(crate) struct Downloads {
    running: RefCell<HashMap<String, Abort>>,
    held: RefCell<Vec<(String, Media)>>,
}

/// Content that the page has and may show.
pub(crate) type Media = Rc<LocalAddress>;

/// Why content cannot be shown.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaFailure {
    /// It is not what the sender sent.
    Damaged,
    /// Anything else.
    Trouble(Trouble),
}

impl From<Failure> for MediaFailure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Damaged => Self::Damaged,
            Failure::Trouble(trouble) => Self::Trouble(trouble),
        }
    }
}

impl Service {
    /// Whether a file is so large that it can only be saved unchecked, by the browser alone.
    #[must_use]
    pub fn saves_unchecked(&self, file: &File) -> bool {
        file.size > COLLECTED && !can_write_to_disk()
    }

    /// Saves a file under its name, if it is what the sender sent. How far it is stands in the model. Must be called in
    /// answer to something that the person did, because the browser may ask where to save.
    pub async fn download(&self, file: File) {
        let abort = Abort::new();
        if self.files().downloads.running.borrow().contains_key(&file.id) {
            return;
        }
        self.files()
            .downloads
            .running
            .borrow_mut()
            .insert(file.id.clone(), abort.clone());
        let outcome = self.save(&file, &abort).await;
        self.files().downloads.running.borrow_mut().remove(&file.id);
        self.store().change(|model| match outcome {
            Ok(()) => model.transfers.set_download(&file.id, Download::Saved),
            Err(Failure::Damaged) => model.transfers.set_download(&file.id, Download::Damaged),
            Err(Failure::Trouble(Trouble::Cancelled)) => model.transfers.remove_download(&file.id),
            Err(Failure::Trouble(trouble)) => {
                model.transfers.set_download(&file.id, Download::Failed(trouble))
            }
        });
    }

    async fn save(&self, file: &File, abort: &Abort) -> Result<(), Failure> {
        let target = if file.size > COLLECTED {
            Target::choose(&file.name).await?
        } else {
            Target::collected()
        };
        let mut shown = 0;
        self.store()
            .change(|model| model.transfers.set_download(&file.id, Download::Running(0)));
        fetching::save(file, target, abort, |received| {
            // Hundreds of steps are as good as thousands.
            if received - shown > file.size / 200 || received == file.size {
                shown = received;
                self.store().change(|model| {
                    model
                        .transfers
                        .set_download(&file.id, Download::Running(received))
                });
            }
        })
        .await
    }

    /// Stops a download.
    pub fn cancel_download(&self, file: &str) {
        if let Some(abort) = self.files().downloads.running.borrow_mut().remove(file) {
            abort.give();
        }
    }

    /// Content that is small and shown in the page, after it was checked. Asked for again it is there at once, for a while.
    pub(crate) async fn media(&self, file: &File) -> Result<Media, MediaFailure> {
        let held = &self.files().downloads.held;
        let known = held
            .borrow()
            .iter()
            .find(|(id, _)| *id == file.id)
            .map(|(_, media)| Rc::clone(media));
        if let Some(media) = known {
            return Ok(media);
        }
        let blob = fetching::blob(file, &Abort::new()).await?;
        let media = Rc::new(LocalAddress::new(&blob).map_err(MediaFailure::Trouble)?);
        let mut held = held.borrow_mut();
        if held.len() >= HELD {
            held.remove(0);
        }
        held.push((file.id.clone(), Rc::clone(&media)));
        Ok(media)
    }

    /// Forgets content that was shown: it was burned or recalled.
    pub(crate) fn forget_media(&self, file: &str) {
        self.files()
            .downloads
            .held
            .borrow_mut()
            .retain(|(id, _)| id != file);
    }
}

impl From<wasm_bindgen::JsValue> for MediaFailure {
    fn from(error: wasm_bindgen::JsValue) -> Self {
        Self::Trouble(describe(error))
    }
}
