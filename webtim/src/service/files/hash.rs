//! SHA-256 of a file on the disk, a slice at a time: the page stays alive, and memory holds one slice.

use js_sys::Uint8Array;
use sha2::{Digest, Sha256};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::{Abort, describe};
use crate::model::Trouble;

const SLICE: f64 = 1_048_576.0;

/// The hash as 64 digits. Ends with [`Trouble::Cancelled`] when `abort` is given.
pub(super) async fn sha256(blob: &Blob, abort: &Abort) -> Result<String, Trouble> {
    let mut hash = Sha256::new();
    let mut buffer = Vec::new();
    let size = blob.size();
    let mut at = 0.0;
    while at < size {
        if abort.is_given() {
            return Err(Trouble::Cancelled);
        }
        let end = (at + SLICE).min(size);
        let slice = blob.slice_with_f64_and_f64(at, end).map_err(describe)?;
        // Reading is work of the browser outside this thread, so every round gives the page its turn.
        let read = JsFuture::from(slice.array_buffer()).await.map_err(describe)?;
        let bytes = Uint8Array::new(&read);
        buffer.resize(usize::try_from(bytes.length()).unwrap_or_default(), 0);
        bytes.copy_to(&mut buffer);
        hash.update(&buffer);
        at = end;
    }
    Ok(hex(&hash.finalize()))
}

/// Bytes as hexadecimal digits in lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
