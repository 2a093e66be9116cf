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
    if has_program("initdb") && has_program("mariadbd") {
        return Ok(());
    }
    apt_install("PostgreSQL and MariaDB", &["postgresql", "mariadb-server"])
}

/// The browser of the browser tests: named in `TIM_CHROMIUM`, else any Chromium, Chrome or Edge in the search path, else
/// the Chromium of the distribution, which is installed. An error says what a person can do.
pub(crate) fn chromium() -> Result<PathBuf> {
    const NAMES: [&str; 6] = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "microsoft-edge",
        "msedge",
    ];
    // Where macOS keeps applications; they are not in the search path.
    const APPLICATIONS: [&str; 3] = [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ];
    if let Some(named) = std::env::var_os("TIM_CHROMIUM") {
        return Ok(PathBuf::from(named));
    }
    let found = || {
        let in_path = NAMES.iter().find_map(|name| find_program(name));
        in_path.or_else(|| APPLICATIONS.iter().map(PathBuf::from).find(|path| path.is_file()))
    };
    if let Some(browser) = found() {
        return Ok(browser);
    }
    // The fonts are for the pictures: Chinese, and emoji.
    apt_install(
        "A browser",
        &["chromium", "fonts-wqy-microhei", "fonts-noto-color-emoji"],
    )
    .context("install Chromium, Chrome or Edge, or name one in TIM_CHROMIUM")?;
    found().context("the package chromium brought no browser; name one in TIM_CHROMIUM")
}

/// Sees to it that Node and npm are there, for the tests of the npm package. An error says what a person can do.
pub(crate) fn node() -> Result<()> {
    if has_program("node") && has_program("npm") {
        return Ok(());
    }
    apt_install("Node.js", &["nodejs", "npm"]).context("install Node.js with npm (https://nodejs.org)")
}

/// The folder of an npm package in the repository, with its dependencies installed below the target folder, exactly as
/// its lock file says; nothing of them runs while they are installed.
pub(crate) fn npm_install(workspace: &Workspace, source: &str, name: &str) -> Result<PathBuf> {
    const FILES: [&str; 2] = ["package.json", "package-lock.json"];
    let folder = workspace.target.join(name);
    let source = workspace.root.join(source);
    let read =
        |path: PathBuf| std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()));
    let mut current = folder.join("node_modules").is_dir();
    for file in FILES {
        let wanted = read(source.join(file))?;
        if std::fs::read(folder.join(file)).ok().as_ref() != Some(&wanted) {
            current = false;
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            std::fs::write(folder.join(file), wanted)
                .with_context(|| format!("cannot write to {}", folder.display()))?;
        }
    }
    if !current {
        node()?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder);
        if let Err(error) = command::run(&mut npm) {
            // The next run must not take half of it for all.
            let _nothing_there = std::fs::remove_file(folder.join(FILES[0]));
            return Err(error);
        }
    }
    Ok(folder)
}

/// Installs packages of Debian or Ubuntu; needs root, or a sudo that asks nothing.
fn apt_install(what: &str, packages: &[&str]) -> Result<()> {
    if !has_program("apt-get") {
        bail!("{what}: not installed, and there is no apt-get to install it with");
    }
    println!("{what}: not here yet; installing {}", packages.join(" and "));
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
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    apt(&install)
        .or_else(|_| apt(&["update"]).and_then(|()| apt(&install)))
        .with_context(|| format!("cannot install {} with apt-get", packages.join(" and ")))
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        uid.and_then(|uid| uid.split_whitespace().nth(1)) == Some("0")
    })
}

/// Whether a program is in the search path, or where packages put those of PostgreSQL.
fn has_program(name: &str) -> bool {
    find_program(name).is_some()
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let packaged = versions.flatten().map(|version| version.path().join("bin"));
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .chain(packaged)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
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
