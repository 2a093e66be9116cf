//! What the commands need beyond a Rust toolchain: installed on demand, in pinned versions, below the target folder,
//! so that nothing outside the repository changes (but for rustup's own targets).

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::workspace::Workspace;

/// The target that everything for the browser is compiled to.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// A program that is built from crates.io when it is missing.
pub(crate) struct Tool {
    /// Both the crate and the program.
    name: &'static str,
    version: &'static str,
    default_features: bool,
}

/// Checks licences, sources, bans and advisories of the dependencies.
pub(crate) const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    default_features: false,
};

/// Runs the fuzz targets.
pub(crate) const CARGO_FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    version: "0.13.2",
    default_features: true,
};

impl Tool {
    /// The program, installed if it is not yet. Compiling it takes a minute or two, once.
    pub(crate) fn install(&self, workspace: &Workspace) -> Result<PathBuf> {
        let folder = workspace
            .target
            .join("tools")
            .join(format!("{}-{}", self.name, self.version));
        let program = folder
            .join("bin")
            .join(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX));
        if program.exists() {
            return Ok(program);
        }
        println!("{} {} is not here yet; building it once", self.name, self.version);
        let build = workspace.target.join("tools").join("build");
        // Unoptimised: it builds four times faster, and its own run time does not matter.
        let mut install = command::cargo(workspace, ["install", self.name, "--version", self.version]);
        install
            .args(["--locked", "--profile", "dev", "--root"])
            .arg(&folder);
        install
            .env("CARGO_TARGET_DIR", &build)
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        if !self.default_features {
            install.arg("--no-default-features");
        }
        command::run(&mut install).with_context(|| {
            format!(
                "cannot install {}; it is built from crates.io, is that reachable?",
                self.name
            )
        })?;
        std::fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))?;
        Ok(program)
    }
}

/// Sees to it that the toolchain can compile to WebAssembly. An error says what a person can do.
pub(crate) fn wasm_target(workspace: &Workspace) -> Result<()> {
    if has_wasm_target(workspace)? {
        return Ok(());
    }
    let added = command::run(
        Command::new("rustup")
            .args(["target", "add", WASM])
            .current_dir(&workspace.root),
    );
    if let Err(error) = added {
        bail!(
            "the toolchain cannot compile to {WASM}, and it could not be added: {error:#}. With rustup and a network: \
             `rustup target add {WASM}`. Rust from a distribution has it as a package, for example \
             `apt-get install libstd-rust-dev-wasm32` or `dnf install rust-std-static-{WASM}`"
        );
    }
    Ok(())
}

fn has_wasm_target(workspace: &Workspace) -> Result<bool> {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc
        .current_dir(&workspace.root)
        .args(["--print", "target-libdir", "--target", WASM]);
    let folder = PathBuf::from(command::output(&mut rustc)?.trim());
    Ok(folder.is_dir())
}
