//! `cargo xtask web`: builds webtim and writes everything that a browser loads of it into one file, which the server
//! embeds (`TIM_WEB_BUNDLE` at build time) or serves from a folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::wasm::{Build, Module};
use crate::workspace::Workspace;

use self::assets::Assets;

mod assets;
mod bundle;

/// The package of the pages, and its folder.
const PACKAGE: &str = "webtim";
/// The style sheets in the order of the cascade.
const STYLES: [&str; 6] = ["tokens", "kit", "shell", "chat", "people", "media"];
/// What the module may weigh when it is fetched, in bytes of gzip. The goal is 600,000, which it does not reach yet;
/// until then this keeps it from growing.
const LARGEST_MODULE: u64 = 800_000;

#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Build without optimisation and compress little: quicker to build, larger and slower pages.
    #[arg(long)]
    pub(crate) dev: bool,
}

/// Builds the pages; the path of the bundle.
pub(crate) fn build(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    let folder = workspace.target.join("web");
    let module = Module {
        package: PACKAGE,
        library: false,
        build: if options.dev { Build::Dev } else { Build::Web },
        typescript: false,
    };
    let modules = folder.join("module");
    module.write(workspace, &modules)?;

    let mut assets = Assets::default();
    assets.add_folder(&modules)?;
    let source = workspace.root.join(PACKAGE);
    assets.add_folder(&source.join("static"))?;
    assets.add("/webtim.css", style_sheet(&source.join("styles"))?.into_bytes());
    assets.add("/start.js", text(&source.join("start.js"))?.into_bytes());
    assets.add(
        "/index.html",
        with_head(&text(&source.join("index.html"))?)?.into_bytes(),
    );

    let files = assets.finish()?;
    let bundle = bundle::write(&files, options.dev)?;
    let path = folder.join("web.bundle");
    std::fs::write(&path, &bundle.bytes).with_context(|| format!("cannot write {}", path.display()))?;
    print!("{}", bundle.table());
    println!("wrote {} ({} bytes)", path.display(), bundle.bytes.len());
    Ok(path)
}

/// Has the server that a command builds carry a bundle.
pub(crate) fn embed(build: &mut Command, bundle: &Path) {
    build
        .args(["--features", "tim-server/web-assets"])
        .env("TIM_WEB_BUNDLE", bundle);
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Refuses the pages built last when they are too heavy: what loads before anything is seen has a limit.
pub(crate) fn light_enough(workspace: &Workspace) -> Result<()> {
    let path = workspace.target.join("web/web.bundle");
    let bundle = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let wasm =
        bundle::weight(&bundle, ".wasm").with_context(|| format!("{} is no bundle", path.display()))?;
    if wasm > LARGEST_MODULE {
        bail!("the WebAssembly of the page is {wasm} bytes of gzip, and may be {LARGEST_MODULE}");
    }
    println!("WebAssembly: {wasm} bytes of gzip, of {LARGEST_MODULE} permitted");
    Ok(())
}

/// All style sheets in one, in the order of `STYLES`.
fn style_sheet(folder: &Path) -> Result<String> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            found.push(entry?.path());
        }
    }
    found.sort();
    for path in &found {
        let known = path.extension().is_some_and(|extension| extension == "css")
            && path
                .file_stem()
                .is_some_and(|stem| STYLES.iter().any(|name| stem == *name));
        if !known {
            bail!(
                "{} has no place in the order of style sheets ({})",
                path.display(),
                STYLES.join(", ")
            );
        }
    }
    let mut sheet = String::new();
    for path in STYLES.map(|name| folder.join(name).with_extension("css")) {
        if found.contains(&path) {
            sheet.push_str(
                &std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?,
            );
        }
    }
    Ok(sheet)
}

/// The page with what it does not name itself of the things that every browser asks for: its icon, and what an
/// installed page is called.
fn with_head(page: &str) -> Result<String> {
    const HEAD: [(&str, &str); 2] = [
        (
            "/manifest.webmanifest",
            r#"<link rel="manifest" href="/manifest.webmanifest">"#,
        ),
        (
            "/icon.svg",
            r#"<link rel="icon" href="/icon.svg" type="image/svg+xml">"#,
        ),
    ];
    let (before, after) = page
        .split_once("</head>")
        .context("webtim/index.html has no </head>")?;
    let missing: String = HEAD
        .iter()
        .filter(|(path, _)| !before.contains(path))
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    Ok(format!("{before}{missing}</head>{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gets_the_links_that_it_lacks() {
        let page = with_head("<html><head><link href=\"/icon.svg\"></head><body></body></html>").unwrap();
        assert_eq!(page.matches("/icon.svg").count(), 1);
        assert_eq!(page.matches("/manifest.webmanifest").count(), 1);
        assert!(page.ends_with("</head><body></body></html>"));
        assert!(with_head("<html></html>").is_err());
    }

    #[test]
    fn style_sheets_come_in_the_order_of_the_cascade() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("chat.css"), "b{}").unwrap();
        std::fs::write(folder.path().join("tokens.css"), "a{}").unwrap();
        assert_eq!(style_sheet(folder.path()).unwrap(), "a{}b{}");
        std::fs::write(folder.path().join("extra.css"), "c{}").unwrap();
        let message = style_sheet(folder.path()).unwrap_err().to_string();
        assert!(message.contains("extra.css"), "{message}");
    }
}
