//! Reads a file from the server piece by piece, counts and checks it.

use js_sys::{Reflect, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReadableStreamDefaultReader, RequestInit, Response};

use super::hash::hex;
use super::saving::{Collected, Target};
use super::{Abort, describe};
use crate::fields::File;
use crate::model::Trouble;

/// Why a file could not be had.
#[derive(Debug, PartialEq)]
pub(super) enum Failure {
    /// It is not what the sender sent.
    Damaged,
    /// Anything else.
    Trouble(Trouble),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// Fetches a file into `target` and gives it to the person when it is what the sender sent.
pub(super) async fn save(
    file: &File,
    mut target: Target,
    abort: &Abort,
    mut progress: impl FnMut(u64),
) -> Result<(), Failure> {
    match stream(file, &mut target, abort, &mut progress).await {
        Ok(()) => Ok(target.finish(&file.name).await?),
        Err(failure) => {
            target.discard().await;
            Err(failure)
        }
    }
}

/// Fetches a small file to be shown in the page.
pub(super) async fn blob(file: &File, abort: &Abort) -> Result<Blob, Failure> {
    let mut target = Target::collected();
    stream(file, &mut target, abort, &mut |_| ()).await?;
    match target {
        Target::Collected(collected) => Ok(Collected::into_blob(collected, &file.media_type)?),
        Target::Disk(_) => Err(Trouble::Other("not collected".to_owned()).into()),
    }
}

async fn stream(
    file: &File,
    target: &mut Target,
    abort: &Abort,
    progress: &mut impl FnMut(u64),
) -> Result<(), Failure> {
    let reader = open(&file.address(), abort).await?;
    let mut hash = Sha256::new();
    let mut received = 0;
    let mut buffer = Vec::new();
    while let Some(bytes) = next(&reader, abort).await? {
        buffer.resize(usize::try_from(bytes.length()).unwrap_or_default(), 0);
        bytes.copy_to(&mut buffer);
        hash.update(&buffer);
        received += u64::from(bytes.length());
        if received > file.size {
            abort.give();
            return Err(Failure::Damaged);
        }
        target.write(&bytes).await?;
        progress(received);
    }
    if received == file.size && hex(&hash.finalize()) == file.sha256 {
        Ok(())
    } else {
        Err(Failure::Damaged)
    }
}

async fn open(address: &str, abort: &Abort) -> Result<ReadableStreamDefaultReader, Trouble> {
    let window = web_sys::window().ok_or_else(|| Trouble::Other("no page".to_owned()))?;
    let options = RequestInit::new();
    options.set_signal(abort.signal().as_ref());
    let answer = JsFuture::from(window.fetch_with_str_and_init(address, &options)).await;
    let response: Response = answer.map_err(|error| abort.reason(&error))?.unchecked_into();
    match response.status() {
        200 => {}
        401 => return Err(Trouble::SignedOut),
        403 | 404 | 410 => {
            return Err(Trouble::Refused {
                code: 4104,
                text: "not found".to_owned(),
            });
        }
        429 => return Err(Trouble::TooMany { wait: None }),
        status => return Err(Trouble::Other(format!("HTTP {status}"))),
    }
    let body = response
        .body()
        .ok_or_else(|| Trouble::Other("no content".to_owned()))?;
    Ok(body.get_reader().unchecked_into())
}

async fn next(reader: &ReadableStreamDefaultReader, abort: &Abort) -> Result<Option<Uint8Array>, Trouble> {
    let part = JsFuture::from(reader.read())
        .await
        .map_err(|error| abort.reason(&error))?;
    let done = Reflect::get(&part, &"done".into()).map_err(describe)?;
    if done.is_truthy() {
        return Ok(None);
    }
    let value: JsValue = Reflect::get(&part, &"value".into()).map_err(describe)?;
    value.dyn_into().map(Some).map_err(describe)
}
