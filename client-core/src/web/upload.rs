//! An upload that tells how far it is and can be aborted. Browsers tell the progress of uploads only for
//! `XMLHttpRequest`; where there is none, as in Node, `fetch` does the same without telling.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::future::{Either, select};
use js_sys::{Function, Reflect};
use tokio::sync::oneshot;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, ProgressEvent, XmlHttpRequest};

use super::exchange::{Body, content_type};
use super::{Uploaded, WebApi, WebError};

/// How far an upload is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Sent so far.
    pub sent: u64,
    /// Altogether.
    pub total: u64,
}

/// An upload under way. A future of what was stored; dropping it aborts the upload.
#[must_use = "dropping an upload aborts it"]
pub struct Upload {
    result: Pin<Box<dyn Future<Output = Result<Uploaded, WebError>>>>,
    abort: UploadAbort,
}

/// Aborts an upload from elsewhere. Dropping it does nothing.
#[derive(Clone)]
pub struct UploadAbort(Rc<Cell<Option<oneshot::Sender<()>>>>);

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for UploadAbort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UploadAbort").finish_non_exhaustive()
    }
}

impl UploadAbort {
    /// Aborts the upload, which ends with [`WebError::Aborted`]. Without effect when it is over.
    pub fn abort(&self) {
        self.0.take();
    }
}

impl Future for Upload {
    type Output = Result<Uploaded, WebError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.result.as_mut().poll(cx)
    }
}

impl Upload {
    /// What aborts this upload from elsewhere.
    #[must_use]
    pub fn abort_handle(&self) -> UploadAbort {
        self.abort.clone()
    }

    pub(super) fn failed(error: WebError) -> Self {
        Self {
            result: Box::pin(std::future::ready(Err(error))),
            abort: UploadAbort(Rc::new(Cell::new(None))),
        }
    }

    pub(super) fn start(
        api: &WebApi,
        path: &str,
        content: &Blob,
        progress: impl FnMut(Progress) + 'static,
    ) -> Self {
        let (sender, aborted) = oneshot::channel::<()>();
        let exchange: Pin<Box<dyn Future<Output = _>>> = if has_xhr() {
            match Transfer::start(api, path, content, progress) {
                Ok(transfer) => Box::pin(transfer.finish()),
                Err(error) => return Self::failed(super::unreachable(&error)),
            }
        } else {
            let (api, path, content) = (api.clone(), path.to_owned(), content.clone());
            Box::pin(async move { api.call("POST", &path, Body::Content(&content)).await })
        };
        let result = async move {
            // Its sender is dropped to abort.
            match select(exchange, aborted).await {
                Either::Left((text, _)) => Uploaded::read(&text?),
                Either::Right(_) => Err(WebError::Aborted),
            }
        };
        Self {
            result: Box::pin(result),
            abort: UploadAbort(Rc::new(Cell::new(Some(sender)))),
        }
    }
}

fn has_xhr() -> bool {
    Reflect::get(&js_sys::global(), &"XMLHttpRequest".into())
        .is_ok_and(|constructor| constructor.is_instance_of::<Function>())
}

/// A request under way. Dropping it aborts it.
struct Transfer {
    request: XmlHttpRequest,
    ended: oneshot::Receiver<End>,
    _on_end: [Closure<dyn FnMut()>; 3],
    _on_progress: Closure<dyn FnMut(ProgressEvent)>,
}

enum End {
    Answered,
    Failed,
    Aborted,
}

impl Transfer {
    fn start(
        api: &WebApi,
        path: &str,
        content: &Blob,
        mut progress: impl FnMut(Progress) + 'static,
    ) -> Result<Self, JsValue> {
        let request = XmlHttpRequest::new()?;
        request.open("POST", &api.url(path))?;
        request.set_with_credentials(api.sends_cookies());
        request.set_request_header("Content-Type", &content_type(content))?;
        if let Some(authorization) = api.authorization() {
            request.set_request_header("Authorization", &authorization)?;
        }
        let (sender, ended) = oneshot::channel();
        let sender = Rc::new(Cell::new(Some(sender)));
        let ending = |make: fn() -> End| {
            let sender = Rc::clone(&sender);
            Closure::<dyn FnMut()>::new(move || {
                // Nobody waits any more when the upload was dropped.
                let _is_unclaimed = sender.take().is_some_and(|sender| sender.send(make()).is_err());
            })
        };
        let on_end = [
            ending(|| End::Answered),
            ending(|| End::Failed),
            ending(|| End::Aborted),
        ];
        request.set_onload(Some(on_end[0].as_ref().unchecked_ref()));
        request.set_onerror(Some(on_end[1].as_ref().unchecked_ref()));
        request.set_onabort(Some(on_end[2].as_ref().unchecked_ref()));
        let on_progress = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
            progress(Progress {
                sent: whole(event.loaded()),
                total: whole(event.total()),
            });
        });
        request
            .upload()?
            .set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
        request.send_with_opt_blob(Some(content))?;
        Ok(Self {
            request,
            ended,
            _on_end: on_end,
            _on_progress: on_progress,
        })
    }

    async fn finish(mut self) -> Result<String, WebError> {
        match (&mut self.ended).await {
            Ok(End::Answered) => {}
            Ok(End::Aborted) => return Err(WebError::Aborted),
            Ok(End::Failed) | Err(_) => {
                return Err(WebError::Unreachable("the connection broke".to_owned()));
            }
        }
        let status = self.request.status().unwrap_or_default();
        let text = self.request.response_text().ok().flatten().unwrap_or_default();
        if (200..300).contains(&status) {
            return Ok(text);
        }
        let retry_after = self.request.get_response_header("Retry-After").ok().flatten();
        Err(WebError::from_answer(status, &text, retry_after.as_deref()))
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.request.set_onload(None);
        self.request.set_onerror(None);
        self.request.set_onabort(None);
        if let Ok(upload) = self.request.upload() {
            upload.set_onprogress(None);
        }
        // Without effect on a request that is over.
        if let Err(_over) = self.request.abort() {}
    }
}

/// Numbers of bytes are whole and below 2^53.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates, and the numbers are whole"
)]
fn whole(bytes: f64) -> u64 {
    bytes as u64
}
