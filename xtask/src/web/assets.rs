//! The files of a web page, their content in their names. A file that names another one gets the new name, so each
//! file but the page itself can be kept by browsers for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// Fetched by well-known names, so they keep them.
const KEEP_NAME: [&str; 2] = ["/index.html", "/robots.txt"];

/// The files as they are written, by path; the paths are as a page names them.
#[derive(Default)]
pub(super) struct Assets {
    files: BTreeMap<String, Vec<u8>>,
}

/// A file as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// With the hash in it, unless it keeps its name.
    pub(super) path: String,
    /// Content type.
    pub(super) kind: &'static str,
    /// Hash of the content, in hexadecimal.
    pub(super) hash: String,
    /// Whether the name changes with the content.
    pub(super) immutable: bool,
    pub(super) bytes: Vec<u8>,
}

impl Assets {
    pub(super) fn add(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), bytes);
    }

    /// All files below a folder.
    pub(super) fn add_folder(&mut self, folder: &Path) -> Result<()> {
        self.add_below(folder, "")
            .with_context(|| format!("cannot read {}", folder.display()))
    }

    fn add_below(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry
                .file_name()
                .into_string()
                .map_err(|name| anyhow::anyhow!("a name is not UTF-8: {}", name.to_string_lossy()))?;
            let path = format!("{prefix}/{name}");
            if entry.file_type()?.is_dir() {
                self.add_below(&entry.path(), &path)?;
            } else {
                self.add(&path, std::fs::read(entry.path())?);
            }
        }
        Ok(())
    }

    /// Puts the hashes into names and into what names them; ordered by path.
    pub(super) fn finish(mut self) -> Result<Vec<File>> {
        let mut finished: BTreeMap<String, File> = BTreeMap::new();
        let paths: BTreeSet<String> = self.files.keys().cloned().collect();
        while !self.files.is_empty() {
            // A file whose every neighbour has its final name.
            let next = self
                .files
                .iter()
                .find(|(path, bytes)| {
                    let open = |other: &&String| *other != *path && !finished.contains_key(*other);
                    !paths.iter().filter(open).any(|other| names(path, bytes, other))
                })
                .map(|(path, _)| path.clone());
            let Some((path, bytes)) = next.and_then(|path| self.files.remove_entry(&path)) else {
                let circle: Vec<&str> = self.files.keys().map(String::as_str).collect();
                bail!("these files name each other in a circle: {}", circle.join(", "));
            };
            let file = file(&path, renamed(&path, bytes, &finished))?;
            finished.insert(path, file);
        }
        let mut files: Vec<File> = finished.into_values().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

fn file(path: &str, bytes: Vec<u8>) -> Result<File> {
    let hash = hex(&Sha256::digest(&bytes));
    let immutable = !KEEP_NAME.contains(&path);
    Ok(File {
        path: if immutable {
            with_hash(path, &hash)?
        } else {
            path.to_owned()
        },
        kind: kind(path)?,
        hash,
        immutable,
        bytes,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `/name.js` becomes `/name.HASH.js`.
fn with_hash(path: &str, hash: &str) -> Result<String> {
    let (stem, extension) = path
        .rsplit_once('.')
        .with_context(|| format!("{path} has no extension"))?;
    let short = hash.get(..16).context("a hash is too short")?;
    Ok(format!("{stem}.{short}.{extension}"))
}

fn kind(path: &str) -> Result<&'static str> {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension);
    Ok(match extension {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => bail!("the content type of {path} is not known"),
    })
}

/// Whether a file can name others.
fn is_text(path: &str) -> bool {
    [".html", ".css", ".js", ".webmanifest"]
        .iter()
        .any(|extension| path.ends_with(extension))
}

/// How a file may write the name of another one: from the root, or from its own folder.
fn spellings(path: &str, other: &str) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut ways = vec![other.to_owned()];
    if let Some(rest) = other.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) {
        ways.push(format!("./{rest}"));
    }
    [('"', '"'), ('\'', '\''), ('(', ')')]
        .iter()
        .flat_map(|(open, close)| ways.iter().map(move |way| format!("{open}{way}{close}")))
        .collect()
}

fn names(path: &str, bytes: &[u8], other: &str) -> bool {
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|_| is_text(path)) else {
        return false;
    };
    spellings(path, other).iter().any(|way| text.contains(way))
}

fn renamed(path: &str, bytes: Vec<u8>, finished: &BTreeMap<String, File>) -> Vec<u8> {
    let text = match String::from_utf8(bytes) {
        Ok(text) if is_text(path) => text,
        Ok(text) => return text.into_bytes(),
        Err(error) => return error.into_bytes(),
    };
    finished
        .iter()
        .fold(text, |text, (other, file)| {
            spellings(path, other).iter().fold(text, |text, way| {
                let (Some(open), Some(close)) = (way.get(..1), way.get(way.len() - 1..)) else {
                    return text;
                };
                text.replace(way, &format!("{open}{}{close}", file.path))
            })
        })
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Assets {
        let mut assets = Assets::default();
        assets.add("/index.html", br#"<script src="/start.js"></script>"#.to_vec());
        assets.add(
            "/start.js",
            br#"import "./app.js"; fetch('/app_bg.wasm');"#.to_vec(),
        );
        assets.add(
            "/app.js",
            b"import { f } from './snippets/x/inline0.js';".to_vec(),
        );
        assets.add("/snippets/x/inline0.js", b"export function f() {}".to_vec());
        assets.add("/app_bg.wasm", vec![0, 255, 1]);
        assets
    }

    fn find<'a>(files: &'a [File], start: &str) -> &'a File {
        files.iter().find(|file| file.path.starts_with(start)).unwrap()
    }

    #[test]
    fn every_reference_follows_the_new_names() {
        let files = page().finish().unwrap();
        let text = |start| String::from_utf8(find(&files, start).bytes.clone()).unwrap();
        let start = find(&files, "/start.");
        assert_eq!(
            text("/index.html"),
            format!("<script src=\"{}\"></script>", start.path)
        );
        let (app, wasm) = (find(&files, "/app."), find(&files, "/app_bg."));
        assert_eq!(
            text("/start."),
            format!("import \"{}\"; fetch('{}');", app.path, wasm.path)
        );
        let snippet = find(&files, "/snippets/");
        assert!(snippet.path.starts_with("/snippets/x/inline0."));
        assert_eq!(text("/app."), format!("import {{ f }} from '{}';", snippet.path));
        assert!(
            files
                .iter()
                .all(|file| file.immutable == (file.path != "/index.html"))
        );
    }

    #[test]
    fn a_changed_file_changes_the_names_of_all_that_name_it() {
        let before = page().finish().unwrap();
        let mut changed = page();
        changed.add("/app_bg.wasm", vec![0, 255, 2]);
        let after = changed.finish().unwrap();
        for (start, differs) in [("/app_bg.", true), ("/start.", true), ("/app.", false)] {
            assert_eq!(
                find(&before, start).path != find(&after, start).path,
                differs,
                "{start}"
            );
        }
    }

    #[test]
    fn a_circle_and_an_unknown_type_are_refused() {
        let mut circle = Assets::default();
        circle.add("/a.js", b"import '/b.js'".to_vec());
        circle.add("/b.js", b"import '/a.js'".to_vec());
        assert!(circle.finish().unwrap_err().to_string().contains("/a.js, /b.js"));
        let mut unknown = Assets::default();
        unknown.add("/a.exe", Vec::new());
        assert!(unknown.finish().is_err());
    }
}
