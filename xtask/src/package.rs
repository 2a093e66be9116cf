//! `cargo xtask package`: the npm package of the JavaScript SDK. The same source gives the same bytes: times, owners and
//! order of the files in the archive are fixed.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use crate::wasm::{Build, Module};
use crate::workspace::Workspace;

/// The crate, and its folder.
const CRATE: (&str, &str) = ("tim-client-wasm", "client-wasm");
/// The name on npm.
const NAME: &str = "tim-im-client";
/// What stands for the version in `package.json`.
const NO_VERSION: &str = "\"version\": \"0.0.0\"";
/// What the module may weigh when it is fetched: bytes of gzip.
const LARGEST_MODULE: usize = 250_000;
/// The time of every file: the one that npm gives, in seconds since 1970.
const TIME: u64 = 499_162_500;

#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Build without optimisation: quicker to build, and too large to be published.
    #[arg(long)]
    pub(crate) dev: bool,
}

/// Builds the package: packed in `dist/npm`, and unpacked in the folder that is answered.
pub(crate) fn build(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    let folder = workspace.target.join("npm/package");
    let module = Module {
        package: CRATE.0,
        library: true,
        build: if options.dev { Build::Dev } else { Build::Package },
        typescript: false,
    };
    module.write(workspace, &folder)?;
    add_sources(&workspace.root, &folder)?;
    let files = files_of(&folder)?;
    let archive = workspace
        .root
        .join("dist/npm")
        .join(format!("{NAME}-{}.tgz", env!("CARGO_PKG_VERSION")));
    write(&archive, &pack(&files)?)?;
    println!("wrote {} and {}", folder.display(), archive.display());
    if !options.dev {
        light_enough(&files)?;
    }
    Ok(folder)
}

/// Adds what is written by hand.
fn add_sources(root: &Path, folder: &Path) -> Result<()> {
    let source = root.join(CRATE.1);
    for (name, content) in files_of(&source.join("js"))? {
        let content = if name == "package.json" {
            with_version(&String::from_utf8(content)?)?.into_bytes()
        } else {
            content
        };
        write(&folder.join(name), &content)?;
    }
    for (from, name) in [
        (source.join("README.md"), "README.md"),
        (root.join("LICENSE-APACHE"), "LICENSE-APACHE"),
        (root.join("LICENSE-MIT"), "LICENSE-MIT"),
    ] {
        write(&folder.join(name), &read(&from)?)?;
    }
    Ok(())
}

fn with_version(package: &str) -> Result<String> {
    if package.matches(NO_VERSION).count() != 1 {
        bail!("package.json must contain {NO_VERSION} once");
    }
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    Ok(package.replace(NO_VERSION, &version))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    std::fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// The files of a folder by name, in order. It has no folders in it.
fn files_of(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("{} has a strange name", path.display()))?;
        if !path.is_file() {
            bail!(
                "{} is no file, and would not get into the package",
                path.display()
            );
        }
        files.push((name.to_owned(), read(&path)?));
    }
    files.sort();
    Ok(files)
}

/// The archive: everything in a folder `package`, as npm wants it.
fn pack(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let gzip = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(gzip);
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(TIME);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, format!("package/{name}"), content.as_slice())?;
    }
    Ok(archive.into_inner()?.finish()?)
}

fn light_enough(files: &[(String, Vec<u8>)]) -> Result<()> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    for (_, content) in files.iter().filter(|(name, _)| name.ends_with(".wasm")) {
        gzip.write_all(content)?;
    }
    let size = gzip.finish()?.len();
    if size > LARGEST_MODULE {
        bail!("the WebAssembly of the SDK is {size} bytes of gzip, and may be {LARGEST_MODULE}");
    }
    println!("WebAssembly: {size} bytes of gzip, of {LARGEST_MODULE} permitted");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_archive() {
        let files = [
            ("a.js".to_owned(), b"1".to_vec()),
            ("b.wasm".to_owned(), vec![0; 4096]),
        ];
        let packed = pack(&files).unwrap();
        assert_eq!(packed, pack(&files).unwrap());

        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let names: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["package/a.js", "package/b.wasm"]);
    }

    #[test]
    fn the_package_gets_the_version_of_the_workspace() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../client-wasm/js/package.json");
        let package = with_version(&std::fs::read_to_string(source).unwrap()).unwrap();
        let package: serde_json::Value = serde_json::from_str(&package).unwrap();
        assert_eq!(package["name"], NAME);
        assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    }
}
