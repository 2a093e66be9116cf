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

/// Sees to it that PostgreSQL and MariaDB are installed, for the tests of accounts that are kept outside. The tests
/// start them themselves. An error says what a person can do.
pub(crate) fn databases() -> Result<()> {
    const PACKAGES: [&str; 2] = ["postgresql", "mariadb-server"];
    if has_program("initdb") && has_program("mariadbd") {
        return Ok(());
    }
    if !has_program("apt-get") {
        bail!("PostgreSQL and MariaDB are not installed, and there is no apt-get to install them with");
    }
    println!(
        "PostgreSQL and MariaDB are not here yet; installing {}",
        PACKAGES.join(" and ")
    );
    // No service is wanted, only the programs.
    let apt = |arguments: &[&str]| {
        let mut command = if is_root() {
            Command::new("apt-get")
        } else {
            let mut command = Command::new("sudo");
            command.args(["-n", "apt-get"]);
            command
        };
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("RUNLEVEL", "1");
        command::run(&mut command)
    };
    let install = [
        "install",
        "--yes",
        "--no-install-recommends",
        PACKAGES[0],
        PACKAGES[1],
    ];
    apt(&install)
        .or_else(|_| apt(&["update"]).and_then(|()| apt(&install)))
        .context("cannot install postgresql and mariadb-server with apt-get")
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        uid.and_then(|uid| uid.split_whitespace().nth(1)) == Some("0")
    })
}

/// Whether a program is in the search path, or where packages put those of PostgreSQL.
fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let packaged = versions.flatten().map(|version| version.path().join("bin"));
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .chain(packaged)
        .any(|folder| folder.join(name).is_file())
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
