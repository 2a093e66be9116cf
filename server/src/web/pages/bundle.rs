//! The files of a web page in memory. They come from one file that `cargo xtask web` writes, compressed beforehand:
//! `TIMWEB1\n`, the length of an index (u32, little endian), the index in JSON, the bodies. Or from a folder.

use std::collections::HashMap;
use std::path::Path;

use axum::http::HeaderValue;
use bytes::Bytes;
use serde::Deserialize;
use sha2::{Digest, Sha256};

const MAGIC: &[u8] = b"TIMWEB1\n";
/// Name of such a file in a folder.
const FILE_NAME: &str = "web.bundle";
/// Bytes of a folder that are taken.
const FOLDER_BYTES: u64 = 128 << 20;

/// The files by path.
#[derive(Debug, Default)]
pub(in crate::web) struct Bundle {
    files: HashMap<String, File>,
}

/// A file in all its forms.
#[derive(Debug)]
pub(super) struct File {
    /// Content type.
    pub(super) kind: HeaderValue,
    /// Hash of the content.
    pub(super) hash: String,
    /// Whether its path changes with its content.
    pub(super) is_immutable: bool,
    /// As it is.
    pub(super) plain: Bytes,
    pub(super) gzip: Option<Bytes>,
    pub(super) brotli: Option<Bytes>,
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    etag: String,
    immutable: bool,
    identity: (usize, usize),
    gzip: Option<(usize, usize)>,
    br: Option<(usize, usize)>,
}

impl Bundle {
    /// Takes a bundle apart.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn parse(bundle: Bytes) -> Result<Self, String> {
        let cut = || "the bundle of pages is incomplete".to_owned();
        let rest = bundle.strip_prefix(MAGIC).ok_or("it is no bundle of pages")?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut())?;
        let (index, bodies) = rest.split_at_checked(length).ok_or_else(cut)?;
        let bodies = bundle.slice_ref(bodies);
        let index: Vec<Entry> =
            serde_json::from_slice(index).map_err(|error| format!("the index of the pages: {error}"))?;
        let body = |(start, length): (usize, usize)| {
            let end = start.checked_add(length).filter(|end| *end <= bodies.len());
            end.map(|end| bodies.slice(start..end)).ok_or_else(cut)
        };
        let mut files = HashMap::with_capacity(index.len());
        for entry in index {
            let is_text = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric());
            if !entry.path.starts_with('/') || !is_text(&entry.etag) {
                return Err(format!(
                    "the index of the pages: {:?} cannot be served",
                    entry.path
                ));
            }
            let file = File {
                kind: HeaderValue::from_str(&entry.kind).map_err(|error| error.to_string())?,
                hash: entry.etag,
                is_immutable: entry.immutable,
                plain: body(entry.identity)?,
                gzip: entry.gzip.map(body).transpose()?,
                brotli: entry.br.map(body).transpose()?,
            };
            files.insert(entry.path, file);
        }
        Ok(Self { files })
    }

    /// Reads a folder: the bundle in it, or else its files, hidden ones left out.
    ///
    /// # Errors
    /// It cannot be read, or it is too large.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let bundle = folder.join(FILE_NAME);
        if bundle.is_file() {
            let bytes = std::fs::read(&bundle).map_err(|error| format!("{}: {error}", bundle.display()))?;
            return Self::parse(bytes.into()).map_err(|error| format!("{}: {error}", bundle.display()));
        }
        let mut all = Self::default();
        let mut left = FOLDER_BYTES;
        all.read_below(folder, "", &mut left)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(all)
    }

    fn read_below(&mut self, folder: &Path, prefix: &str, left: &mut u64) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}/{name}");
            let about = std::fs::metadata(entry.path())?;
            if about.is_dir() {
                self.read_below(&entry.path(), &path, left)?;
                continue;
            }
            *left = left
                .checked_sub(about.len())
                .ok_or_else(|| std::io::Error::other(format!("more than {FOLDER_BYTES} bytes")))?;
            let content = std::fs::read(entry.path())?;
            let hash = Sha256::digest(&content);
            let file = File {
                kind: HeaderValue::from_static(kind(&name)),
                hash: hash[..16].iter().map(|byte| format!("{byte:02x}")).collect(),
                is_immutable: false,
                plain: content.into(),
                gzip: None,
                brotli: None,
            };
            self.files.insert(path, file);
        }
        Ok(())
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A bundle with a page, a script in three forms, and a picture.
    pub(in crate::web::pages) fn sample() -> Vec<u8> {
        let index = serde_json::json!([
            {"path": "/index.html", "type": "text/html; charset=utf-8", "etag": "aa", "immutable": false,
             "identity": [0, 4], "gzip": null, "br": null},
            {"path": "/app.00ff.js", "type": "text/javascript; charset=utf-8", "etag": "bb", "immutable": true,
             "identity": [4, 6], "gzip": [10, 4], "br": [14, 2]},
            {"path": "/icon.11.svg", "type": "image/svg+xml", "etag": "cc", "immutable": true,
             "identity": [16, 3], "gzip": null, "br": null},
        ])
        .to_string();
        let length = u32::try_from(index.len()).unwrap();
        let parts = [
            MAGIC,
            &length.to_le_bytes(),
            index.as_bytes(),
            b"pagescriptGZIPBRsvg",
        ];
        parts.concat()
    }

    #[test]
    fn a_bundle_is_taken_apart() {
        let bundle = Bundle::parse(sample().into()).unwrap();
        let script = bundle.get("/app.00ff.js").unwrap();
        assert_eq!((&script.plain[..], script.is_immutable), (&b"script"[..], true));
        assert_eq!(script.gzip.as_deref(), Some(&b"GZIP"[..]));
        assert_eq!(script.brotli.as_deref(), Some(&b"BR"[..]));
        assert_eq!(script.hash, "bb");
        assert_eq!(script.kind, "text/javascript; charset=utf-8");
        assert!(bundle.get("/index.html").unwrap().gzip.is_none());
        assert!(bundle.get("/").is_none());
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        let sample = sample();
        for end in 0..sample.len() {
            assert!(Bundle::parse(sample[..end].to_vec().into()).is_err(), "{end}");
        }
        let text = String::from_utf8(sample).unwrap();
        for (from, to) in [
            ("TIMWEB1", "TIMWEB2"),
            ("[14,2]", "[18,2]"),
            ("[14,2]", "[14,x]"),
            ("\"/icon", "\"xicon"),
            ("\"aa\"", "\"a-\""),
        ] {
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text);
            assert!(Bundle::parse(broken.into_bytes().into()).is_err(), "{to}");
        }
    }

    #[test]
    fn a_folder_is_read_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        for (name, content) in [("index.html", "page"), ("deep/a.css", "a{}"), (".secret", "no")] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let bundle = Bundle::read(folder.path()).unwrap();
        assert_eq!(bundle.files.len(), 2);
        assert_eq!(bundle.get("/deep/a.css").unwrap().kind, "text/css; charset=utf-8");
        assert_eq!(&bundle.get("/index.html").unwrap().plain[..], b"page");
        std::fs::write(folder.path().join(FILE_NAME), sample()).unwrap();
        assert_eq!(Bundle::read(folder.path()).unwrap().files.len(), 3);
        assert!(Bundle::read(&folder.path().join("nothing")).is_err());
    }
}
