//! Compiles a crate to WebAssembly and writes the JavaScript that loads it: the step that the pages and the npm
//! package share. wasm-bindgen's writer is part of this program, in the very version that the crates are locked to.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::command;
use crate::tools;
use crate::workspace::Workspace;

/// How a module is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// Quick to build, large, with names of functions in traces.
    Dev,
    /// What people load: small.
    Web,
    /// What other programs load as a part of theirs: as small as it gets.
    Package,
}

impl Build {
    /// The name that `cargo --profile` takes.
    fn profile(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Web => "web",
            Self::Package => "npm",
        }
    }

    /// Where cargo puts what it builds with this profile.
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Web => "web",
            Self::Package => "npm",
        }
    }
}

/// A crate that becomes a module for browsers.
pub(crate) struct Module<'a> {
    /// Name of the package.
    pub(crate) package: &'a str,
    /// Whether its library, a `cdylib`, is the module: a package for others. Otherwise its program is: a page.
    pub(crate) library: bool,
    /// How it is compiled.
    pub(crate) build: Build,
    /// Whether TypeScript declarations are written too.
    pub(crate) typescript: bool,
}

impl Module<'_> {
    /// Compiles, and writes `NAME.js`, `NAME_bg.wasm` and what they import into `folder`, which is emptied before.
    /// `NAME` is the package's name with underscores.
    pub(crate) fn write(&self, workspace: &Workspace, folder: &Path) -> Result<()> {
        tools::wasm_target(workspace)?;
        let lock = workspace.root.join("Cargo.lock");
        same_version(
            &std::fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?,
        )?;
        let module = self.compile(workspace)?;
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        self.bind(&module, folder)
            .with_context(|| format!("cannot write the JavaScript of {}", module.display()))
    }

    fn compile(&self, workspace: &Workspace) -> Result<PathBuf> {
        let mut build = command::cargo(workspace, ["build", "--locked", "--target", tools::WASM]);
        build.args(["-p", self.package, "--profile", self.build.profile()]);
        let name = if self.library {
            build.arg("--lib");
            self.package.replace('-', "_")
        } else {
            build.args(["--bin", self.package]);
            self.package.to_owned()
        };
        if self.build != Build::Dev {
            // Messages of panics name files: the same module everywhere, and nobody's folders in it.
            let flags = neutral_paths(&workspace.root, cargo_home().as_deref());
            build.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags);
        }
        command::run(&mut build)?;
        let folder = workspace.target.join(tools::WASM).join(self.build.folder());
        Ok(folder.join(name).with_extension("wasm"))
    }

    fn bind(&self, module: &Path, folder: &Path) -> Result<()> {
        let shipped = self.build != Build::Dev;
        let mut bindgen = Bindgen::new();
        bindgen.input_path(module).web(true)?;
        bindgen
            .out_name(&self.package.replace('-', "_"))
            .typescript(self.typescript)
            .omit_default_module_path(!self.library)
            .remove_name_section(shipped)
            .remove_producers_section(shipped);
        bindgen.generate(folder)
    }
}

/// Refuses a lock file in which the macros of wasm-bindgen and the writer of this program differ: the writer would not
/// understand what the macros left in a module.
fn same_version(lock: &str) -> Result<()> {
    let library = locked(lock, "wasm-bindgen").context("Cargo.lock has no wasm-bindgen")?;
    let writer =
        locked(lock, "wasm-bindgen-cli-support").context("Cargo.lock has no wasm-bindgen-cli-support")?;
    if library != writer {
        bail!(
            "wasm-bindgen is locked to {library} and wasm-bindgen-cli-support to {writer}, and they must be the same. \
             Write `wasm-bindgen-cli-support = \"={library}\"` into Cargo.toml, then run \
             `cargo update -p wasm-bindgen-cli-support --precise {library}`"
        );
    }
    Ok(())
}

/// The version of a package in a lock file.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let value = |line: &'a str, key: &str| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"');
    let mut lines = lock.lines();
    lines.find(|line| value(line, "name") == Some(package))?;
    lines.next().and_then(|line| value(line, "version"))
}

fn cargo_home() -> Option<PathBuf> {
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}

/// Options of rustc that keep the folders of this computer out of what it writes.
fn neutral_paths(root: &Path, cargo_home: Option<&Path>) -> String {
    let mut flags = format!("--remap-path-prefix={}=tim", root.display());
    if let Some(home) = cargo_home {
        flags.push_str(&format!(" --remap-path-prefix={}=cargo", home.display()));
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(library: &str, writer: &str) -> String {
        format!(
            "[[package]]\nname = \"wasm-bindgen\"\nversion = \"{library}\"\n\n\
             [[package]]\nname = \"wasm-bindgen-cli-support\"\nversion = \"{writer}\"\n"
        )
    }

    #[test]
    fn different_versions_of_wasm_bindgen_are_named_with_a_way_out() {
        same_version(&lock("0.2.130", "0.2.130")).unwrap();
        let message = same_version(&lock("0.2.131", "0.2.130")).unwrap_err().to_string();
        assert!(
            message.contains("0.2.131") && message.contains("0.2.130"),
            "{message}"
        );
        assert!(message.contains("--precise 0.2.131"), "{message}");
    }

    #[test]
    fn the_lock_file_of_this_workspace_has_one_version_of_wasm_bindgen() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock");
        same_version(&std::fs::read_to_string(path).unwrap()).unwrap();
    }

    #[test]
    fn folders_of_this_computer_are_replaced() {
        let flags = neutral_paths(Path::new("/src/tim"), Some(Path::new("/home/me/.cargo")));
        assert_eq!(
            flags,
            "--remap-path-prefix=/src/tim=tim --remap-path-prefix=/home/me/.cargo=cargo"
        );
    }
}
