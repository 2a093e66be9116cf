//! The server that the pages come from: the real binary with the pages in it, or with those of the folder that
//! `TIM_PAGES` names, which is quicker while one works on them.

use std::path::PathBuf;
use std::sync::OnceLock;

use tim_tests::server::{Options, Server};

/// A server with pages.
#[derive(Debug)]
pub struct Site {
    server: Server,
}

impl Site {
    /// The server that most tests share; they keep apart by accounts of their own.
    pub fn shared() -> &'static Self {
        static SITE: OnceLock<Site> = OnceLock::new();
        SITE.get_or_init(Self::start)
    }

    /// A server that one test has for itself, to kill it.
    #[must_use]
    pub fn start() -> Self {
        Self::with(|options| options)
    }

    /// A server with settings of its own.
    #[must_use]
    pub fn with(change: impl FnOnce(Options) -> Options) -> Self {
        let options = Server::options()
            .unset("presence.offline_notices")
            .set("directory.users", "true");
        let options = match std::env::var("TIM_PAGES") {
            Ok(folder) => options.set("web.directory", &format!("{folder:?}")),
            Err(_) => options,
        };
        Self {
            server: change(options).start(),
        }
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The address of the page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.server.address())
    }

    /// The address for programs that are no browsers.
    #[must_use]
    pub fn socket(&self) -> String {
        format!("ws://{}", self.server.address())
    }
}

/// Cargo's target directory, below which everything is that tests leave.
#[must_use]
pub fn target_directory() -> PathBuf {
    let program = std::env::current_exe().expect("the path of this program");
    // target/debug/deps/pages-0123, or target/release/tim-web-bench
    let folder = program.parent().expect("a folder");
    let depth = if folder.ends_with("deps") { 3 } else { 2 };
    program
        .ancestors()
        .nth(depth)
        .expect("a target directory")
        .to_owned()
}
