//! A Chromium without a window. One process serves all tests of a program; each device has a browser context of its
//! own, which shares neither cookies nor storage with the others.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::json;
use tempfile::TempDir;
use tim_tests::process::clean_command;
use tokio::sync::OnceCell;

use crate::PATIENCE;
use crate::cdp::Connection;

/// Names of browsers that speak the protocol.
const NAMES: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "msedge",
];

/// What a person sees a page on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Width in CSS pixels.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// A phone: touch, and the page fills the screen.
    pub phone: bool,
    /// Whether the person prefers dark colours.
    pub dark: bool,
    /// Language that the browser asks for.
    pub language: &'static str,
}

impl Screen {
    /// A desktop, light, in English.
    pub const DESKTOP: Self = Self {
        width: 1440,
        height: 900,
        phone: false,
        dark: false,
        language: "en-US",
    };
    /// A phone, light, in English.
    pub const PHONE: Self = Self {
        width: 390,
        height: 844,
        phone: true,
        ..Self::DESKTOP
    };

    /// The same in Simplified Chinese.
    #[must_use]
    pub const fn chinese(self) -> Self {
        Self {
            language: "zh-CN",
            ..self
        }
    }

    /// The same for somebody who prefers dark colours.
    #[must_use]
    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

/// A browser. It never outlives the program.
#[derive(Debug)]
pub struct Browser {
    connection: Connection,
    profile: TempDir,
    child: Child,
    watcher: Child,
}

impl Browser {
    /// The browser that the tests of a program share.
    pub async fn shared() -> &'static Self {
        static BROWSER: OnceCell<Browser> = OnceCell::const_new();
        BROWSER.get_or_init(Self::start).await
    }

    /// Starts one.
    ///
    /// # Panics
    /// When there is none, or it does not start.
    pub async fn start() -> Self {
        let program = program().unwrap_or_else(|| {
            panic!(
                "no Chromium, Chrome or Edge in PATH: install one (`apt-get install chromium`), or name it in TIM_CHROMIUM"
            )
        });
        let profile = tempfile::Builder::new()
            .prefix("tim-browser-")
            .tempdir()
            .expect("a scratch directory");
        let mut command = clean_command(&program);
        command
            .args([
                "--headless=new",
                "--remote-debugging-port=0",
                "--no-first-run",
                "--no-default-browser-check",
                "--disable-gpu",
                "--disable-quic",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-default-apps",
                "--disable-extensions",
                "--disable-breakpad",
                "--disable-dev-shm-usage",
                "--disable-features=Translate,MediaRouter,OptimizationHints",
                "--password-store=basic",
                "--use-mock-keychain",
                // Pages that nobody looks at work as fast as the one in front.
                "--disable-background-timer-throttling",
                "--disable-backgrounding-occluded-windows",
                "--disable-renderer-backgrounding",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                "--autoplay-policy=no-user-gesture-required",
                "--mute-audio",
                "--force-color-profile=srgb",
                "--font-render-hinting=none",
                "--hide-scrollbars",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if rustix::process::geteuid().is_root() {
            // Its sandbox does not work for root, and these pages are our own.
            command.arg("--no-sandbox");
        }
        // A group of its own: the browser is many processes, and all of them end together.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().expect("start the browser");
        let watcher = watch(child.id(), profile.path());
        let address = address(&mut child, profile.path()).await;
        Self {
            connection: Connection::open(&address).await,
            profile,
            child,
            watcher,
        }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// A new browser context; what is downloaded in it goes to the given folder.
    pub(crate) async fn context(&self, downloads: &Path) -> String {
        let context = self
            .connection
            .call(
                "",
                "Target.createBrowserContext",
                json!({"disposeOnDetach": true}),
            )
            .await;
        let context = context["browserContextId"]
            .as_str()
            .expect("a context")
            .to_owned();
        let behaviour = json!({
            "behavior": "allow",
            "browserContextId": context,
            "downloadPath": downloads,
        });
        self.connection
            .call("", "Browser.setDownloadBehavior", behaviour)
            .await;
        context
    }

    /// The version, as the browser tells it.
    pub async fn version(&self) -> String {
        let version = self.connection.call("", "Browser.getVersion", json!({})).await;
        version["product"].as_str().unwrap_or_default().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The watcher ends the browser with all its processes and removes the profile.
        drop(self.watcher.stdin.take());
        drop((self.watcher.wait(), self.child.wait()));
        debug_assert!(
            !self.profile.path().exists(),
            "the watcher has removed the profile"
        );
    }
}

/// Ends the browser when this program ends, however that happens: the pipe to this shell closes then.
fn watch(browser: u32, profile: &Path) -> Child {
    Command::new("/bin/sh")
        .args([
            "-c",
            "read -r _; kill -9 -\"$1\" 2>/dev/null; while kill -0 -\"$1\" 2>/dev/null; do sleep 0.05; done; rm -rf \"$2\"",
            "sh",
        ])
        .arg(browser.to_string())
        .arg(profile)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start a watcher")
}

/// The browser writes where it listens into its profile.
async fn address(child: &mut Child, profile: &Path) -> String {
    let file = profile.join("DevToolsActivePort");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if let Some((port, path)) = text.split_once('\n') {
            return format!("ws://127.0.0.1:{port}{}", path.trim());
        }
        if let Some(status) = child.try_wait().expect("the state of the browser") {
            panic!("the browser does not start ({status})");
        }
        assert!(Instant::now() < deadline, "the browser does not get ready");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// The browser: `TIM_CHROMIUM`, else one in the search path.
#[must_use]
pub fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("TIM_CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|program| program.is_file())
}
