//! The bundle: all files of a page in one, compressed beforehand. `TIMWEB1\n`, the length of an index (u32, little
//! endian), the index in JSON, then the bodies; places in the index count from its end. The same files give the same
//! bytes.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::assets::File;

const MAGIC: &[u8] = b"TIMWEB1\n";

/// A written bundle.
pub(super) struct Bundle {
    pub(super) bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// How much a file weighs, in each form that is stored.
struct Entry {
    path: String,
    identity: usize,
    gzip: Option<usize>,
    brotli: Option<usize>,
}

/// Writes a bundle. `quick`: compress little.
pub(super) fn write(files: &[File], quick: bool) -> Result<Bundle> {
    let mut index = Vec::new();
    let mut bodies = Vec::new();
    let mut entries = Vec::new();
    for file in files {
        let packed = |packed: Result<Vec<u8>>| -> Result<Option<Vec<u8>>> {
            // A picture may be compressed already.
            Ok(Some(packed?).filter(|packed| packed.len() < file.bytes.len() * 9 / 10))
        };
        let gzip = packed(gzip(&file.bytes, quick))?;
        let brotli = if quick { None } else { packed(brotli(&file.bytes))? };
        let mut place = |body: Option<&[u8]>| match body {
            Some(body) => {
                let start = bodies.len();
                bodies.extend_from_slice(body);
                json!([start, body.len()])
            }
            None => Value::Null,
        };
        index.push(json!({
            "path": file.path,
            "type": file.kind,
            "etag": file.hash,
            "immutable": file.immutable,
            "identity": place(Some(&file.bytes)),
            "gzip": place(gzip.as_deref()),
            "br": place(brotli.as_deref()),
        }));
        entries.push(Entry {
            path: file.path.clone(),
            identity: file.bytes.len(),
            gzip: gzip.map(|body| body.len()),
            brotli: brotli.map(|body| body.len()),
        });
    }
    let index = serde_json::to_vec(&index)?;
    let length = u32::try_from(index.len()).context("the index is too long")?;
    let bytes = [MAGIC, &length.to_le_bytes(), &index, &bodies].concat();
    Ok(Bundle { bytes, entries })
}

/// Bytes of gzip of the files whose names end so; none when this is no bundle.
pub(super) fn weight(bundle: &[u8], end: &str) -> Option<u64> {
    let rest = bundle.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let index = rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let index: Value = serde_json::from_slice(index).ok()?;
    let chosen = index.as_array()?.iter().filter(|entry| {
        let path = entry["path"].as_str();
        path.is_some_and(|path| path.ends_with(end))
    });
    chosen
        .map(|entry| {
            entry["gzip"][1]
                .as_u64()
                .or_else(|| entry["identity"][1].as_u64())
        })
        .sum()
}

impl Bundle {
    /// The files and their sizes, for people.
    pub(super) fn table(&self) -> String {
        let mut table = format!("{:>10} {:>10} {:>10}  file\n", "bytes", "gzip", "brotli");
        let size = |size: Option<usize>| size.map_or_else(|| "-".to_owned(), |size| size.to_string());
        for entry in &self.entries {
            let (gzip, brotli) = (size(entry.gzip), size(entry.brotli));
            // Writing to a string cannot fail.
            let _ok = writeln!(
                table,
                "{:>10} {gzip:>10} {brotli:>10}  {}",
                entry.identity, entry.path
            );
        }
        table
    }
}

fn gzip(bytes: &[u8], quick: bool) -> Result<Vec<u8>> {
    let level = if quick {
        Compression::fast()
    } else {
        Compression::best()
    };
    // No time and no name: nothing but the content.
    let mut encoder = GzBuilder::new().write(Vec::new(), level);
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut packed, 1 << 16, 11, 22);
    encoder.write_all(bytes)?;
    encoder.flush()?;
    drop(encoder);
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn file(path: &str, bytes: Vec<u8>) -> File {
        File {
            path: path.to_owned(),
            kind: "text/plain; charset=utf-8",
            hash: "00ff".to_owned(),
            immutable: true,
            bytes,
        }
    }

    /// What an index entry names.
    fn body<'a>(bodies: &'a [u8], place: &Value) -> &'a [u8] {
        let number = |at: usize| usize::try_from(place[at].as_u64().unwrap()).unwrap();
        &bodies[number(0)..number(0) + number(1)]
    }

    #[test]
    fn every_body_is_where_the_index_says_and_unpacks_to_the_file() {
        let text = "abc ".repeat(1000).into_bytes();
        let files = [file("/a.txt", text.clone()), file("/b.txt", b"x".to_vec())];
        let bundle = write(&files, false).unwrap().bytes;
        assert!(bundle.starts_with(b"TIMWEB1\n"));
        let length = usize::try_from(u32::from_le_bytes(bundle[8..12].try_into().unwrap())).unwrap();
        let index: Value = serde_json::from_slice(&bundle[12..12 + length]).unwrap();
        let bodies = &bundle[12 + length..];

        assert_eq!(index[0]["path"], "/a.txt");
        assert_eq!(body(bodies, &index[0]["identity"]), text);
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(body(bodies, &index[0]["gzip"]))
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, text);
        let mut unpacked = Vec::new();
        brotli::Decompressor::new(body(bodies, &index[0]["br"]), 4096)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, text);

        let packed = u64::try_from(body(bodies, &index[0]["gzip"]).len()).unwrap();
        assert_eq!(weight(&bundle, "a.txt"), Some(packed));
        assert_eq!(weight(&bundle, "b.txt"), Some(1));
        assert_eq!(weight(b"something else", "a.txt"), None);

        // Too short to be worth it.
        assert_eq!(body(bodies, &index[1]["identity"]), b"x");
        assert!(index[1]["gzip"].is_null() && index[1]["br"].is_null());
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let files = [file("/a.txt", b"abc".repeat(1000)), file("/b.txt", b"x".to_vec())];
        assert_eq!(
            write(&files, false).unwrap().bytes,
            write(&files, false).unwrap().bytes
        );
    }
}
