//! Files to the server, one after the other, and then the message that carries each of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use futures_util::future::try_join;
use gloo_events::EventListener;
use tim_client::web::WebApi;
use web_sys::Blob;

use super::probe::{LocalAddress, Probe, probe};
use super::{Abort, hash};
use crate::fields::{File, Peaks, Reply, Shown, file_name};
use crate::model::{ChatId, Content, Progress, Trouble, Upload, UploadId};
use crate::service::Service;

/// A file that was chosen, and what the browser found out about it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The content.
    pub content: Blob,
    /// What it is called.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Content type, or empty.
    pub media_type: String,
    /// Size in pixels and length.
    pub probe: Probe,
    /// Where this page finds it.
    pub address: Rc<LocalAddress>,
    /// How loud it is, for what was spoken into the microphone.
    pub voice: Option<Peaks>,
}

impl PartialEq for Prepared {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.address, &other.address)
    }
}

impl Prepared {
    /// Looks at a file.
    ///
    /// # Errors
    /// The browser cannot make an address for it.
    pub async fn look(content: Blob, name: &str) -> Result<Self, Trouble> {
        let address = Rc::new(LocalAddress::new(&content)?);
        let media_type = content.type_().to_ascii_lowercase();
        let probe = probe(address.as_str(), &media_type).await;
        Ok(Self {
            name: file_name(name),
            size: size(&content),
            media_type,
            probe,
            address,
            voice: None,
            content,
        })
    }

    /// How it will be shown, unless it is sent as a file.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::of(
            &self.media_type,
            self.probe.dimensions.is_some(),
            self.voice.is_some(),
        )
    }
}

/// What several files sent together have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Together {
    /// Goes with the first.
    pub caption: String,
    /// What the first one answers.
    pub reply: Option<Reply>,
    /// They are burned after reading.
    pub burn: bool,
    /// Pictures are sent as files.
    pub as_files: bool,
}

struct Job {
    chat: ChatId,
    file: Prepared,
    text: String,
    reply: Option<Reply>,
    burn: bool,
    as_file: bool,
    abort: Abort,
}

#[derive(Default)]
pub(crate) struct Uploads {
    jobs: RefCell<HashMap<UploadId, Rc<Job>>>,
}

impl Service {
    /// Uploads files and sends each as a message of its own, in that order. How far they are stands in the model.
    pub fn send_files(&self, chat: &ChatId, files: Vec<Prepared>, together: Together) {
        let Together {
            caption,
            mut reply,
            burn,
            as_files,
        } = together;
        let mut caption = Some(caption.trim().to_owned()).filter(|caption| !caption.is_empty());
        for file in files {
            let shown = if as_files { Shown::Card } else { file.shown() };
            let preview = (file.shown() == Shown::Picture).then(|| file.address.as_str().to_owned());
            let text = caption.take().unwrap_or_else(|| file.name.clone());
            let upload = Upload {
                id: 0,
                chat: chat.clone(),
                name: file.name.clone(),
                size: file.size,
                shown,
                preview,
                progress: Progress::Waiting,
            };
            let id = self.store().change(|model| model.transfers.add_upload(upload));
            let job = Job {
                chat: chat.clone(),
                file,
                text,
                reply: reply.take(),
                burn,
                as_file: as_files,
                abort: Abort::new(),
            };
            self.files().uploads.jobs.borrow_mut().insert(id, Rc::new(job));
        }
        self.start_next_upload();
    }

    /// Drops an upload, whatever it is doing.
    pub fn cancel_upload(&self, id: UploadId) {
        if let Some(job) = self.files().uploads.jobs.borrow_mut().remove(&id) {
            job.abort.give();
        }
        self.store().change(|model| model.transfers.remove_upload(id));
        self.start_next_upload();
    }

    /// Tries an upload again that did not work.
    pub fn retry_upload(&self, id: UploadId) {
        self.store()
            .change(|model| model.transfers.set_progress(id, Progress::Waiting));
        self.start_next_upload();
    }

    /// Drops all uploads, when the account changes.
    pub(crate) fn cancel_all_uploads(&self) {
        let ids: Vec<UploadId> = self.files().uploads.jobs.borrow().keys().copied().collect();
        for id in ids {
            self.cancel_upload(id);
        }
    }

    fn start_next_upload(&self) {
        let next = self.store().change(|model| {
            let id = model.transfers.next_upload()?;
            model.transfers.set_progress(id, Progress::Running(0));
            Some(id)
        });
        let job = next.and_then(|id| Some((id, self.files().uploads.jobs.borrow().get(&id).cloned()?)));
        if let Some((id, job)) = job {
            let service = self.clone();
            wasm_bindgen_futures::spawn_local(async move {
                service.work(id, &job).await;
                service.start_next_upload();
            });
        }
    }

    async fn work(&self, id: UploadId, job: &Job) {
        let outcome = self.upload(id, job).await;
        if job.abort.is_given() {
            return;
        }
        match outcome {
            Ok(file) => {
                self.files().uploads.jobs.borrow_mut().remove(&id);
                self.store().change(|model| model.transfers.remove_upload(id));
                self.send(&job.chat, message(&file, job));
            }
            Err(progress) => {
                self.store()
                    .change(|model| model.transfers.set_progress(id, progress));
            }
        }
    }

    async fn upload(&self, id: UploadId, job: &Job) -> Result<File, Progress> {
        let store = self.store().clone();
        let size = job.file.size;
        let mut shown = 0;
        let sending = put(
            self.api(),
            &job.file.content,
            &job.chat,
            &job.abort,
            move |sent| {
                if sent - shown.min(sent) > size / 200 || sent >= size {
                    shown = sent;
                    let progress = if sent >= size {
                        Progress::Checking
                    } else {
                        Progress::Running(sent)
                    };
                    store.change(|model| model.transfers.set_progress(id, progress));
                }
            },
        );
        let (stored, sha256) = try_join(sending, hash::sha256(&job.file.content, &job.abort))
            .await
            .map_err(Progress::Failed)?;
        if stored.size != size || stored.sha256 != sha256 {
            return Err(Progress::Damaged);
        }
        let Prepared {
            name,
            media_type,
            probe,
            voice,
            ..
        } = &job.file;
        Ok(File {
            id: stored.id,
            name: name.clone(),
            size,
            media_type: media_type.clone(),
            sha256,
            dimensions: probe.dimensions.filter(|_| !job.as_file),
            duration: probe.duration,
            voice: voice.is_some(),
            peaks: voice.clone().unwrap_or_default(),
        })
    }
}

fn message(file: &File, job: &Job) -> Content {
    Content::text(job.text.clone())
        .with_file(file)
        .with_reply(job.reply.as_ref())
        .with_burn(job.burn)
}

/// Bytes of a file.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Whole, not negative, below 2^53.
pub(super) fn size(content: &Blob) -> u64 {
    content.size() as u64
}

/// What the server says it has stored.
struct Stored {
    id: String,
    size: u64,
    sha256: String,
}

async fn put(
    api: &WebApi,
    content: &Blob,
    chat: &ChatId,
    abort: &Abort,
    mut progress: impl FnMut(u64) + 'static,
) -> Result<Stored, Trouble> {
    let upload = api.upload(content, &chat.conversation(), move |at| progress(at.sent));
    let handle = upload.abort_handle();
    let _listener = abort
        .signal()
        .map(|signal| EventListener::once(&signal, "abort", move |_| handle.abort()));
    let stored = upload.await.map_err(Trouble::from)?;
    Ok(Stored {
        id: stored.file.as_str().to_owned(),
        size: stored.size,
        sha256: stored.sha256.to_ascii_lowercase(),
    })
}
