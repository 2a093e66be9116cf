//! One page in one browser context, used as a person uses it: real mouse and key events, and waits for what can be
//! seen. Targets are `data-test` names (`nav-chats`, `dialog dialog-confirm`) or CSS selectors.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::PATIENCE;
use crate::browser::{Browser, Screen};
use crate::cdp::Connection;
use crate::complaints::Complaints;
use crate::script::{self, literal, selector};

/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(25);

/// Keys that a page hears about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Enter.
    Enter,
    /// Enter with Shift.
    ShiftEnter,
    /// Tab.
    Tab,
    /// Tab with Shift.
    ShiftTab,
    /// Escape.
    Escape,
    /// The space bar.
    Space,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Backspace.
    Backspace,
    /// Everything is selected.
    SelectAll,
}

impl Key {
    /// Name, code, number, text that it writes, modifiers.
    const fn parts(self) -> (&'static str, &'static str, u32, &'static str, u32) {
        match self {
            Self::Enter => ("Enter", "Enter", 13, "\r", 0),
            Self::ShiftEnter => ("Enter", "Enter", 13, "\r", 8),
            Self::Tab => ("Tab", "Tab", 9, "", 0),
            Self::ShiftTab => ("Tab", "Tab", 9, "", 8),
            Self::Escape => ("Escape", "Escape", 27, "", 0),
            Self::Space => (" ", "Space", 32, " ", 0),
            Self::Up => ("ArrowUp", "ArrowUp", 38, "", 0),
            Self::Down => ("ArrowDown", "ArrowDown", 40, "", 0),
            Self::Left => ("ArrowLeft", "ArrowLeft", 37, "", 0),
            Self::Right => ("ArrowRight", "ArrowRight", 39, "", 0),
            Self::Home => ("Home", "Home", 36, "", 0),
            Self::End => ("End", "End", 35, "", 0),
            Self::PageUp => ("PageUp", "PageUp", 33, "", 0),
            Self::Backspace => ("Backspace", "Backspace", 8, "", 0),
            Self::SelectAll => ("a", "KeyA", 65, "", 2),
        }
    }
}

/// A page. Dropping it at the end of a test fails the test when the page did something that pages must not do.
#[derive(Debug)]
pub struct Page {
    connection: Connection,
    session: String,
    target: String,
    context: String,
    downloads: std::sync::Arc<TempDir>,
    complaints: Complaints,
}

impl Page {
    /// An empty page in a context of its own: nobody is logged in.
    pub async fn new(browser: &Browser, screen: Screen) -> Self {
        let downloads = tempfile::Builder::new()
            .prefix("tim-downloads-")
            .tempdir()
            .expect("a scratch directory");
        let context = browser.context(downloads.path()).await;
        Self::in_context(
            browser.connection().clone(),
            context,
            std::sync::Arc::new(downloads),
            screen,
        )
        .await
    }

    /// A further tab beside this one: the same person, the same cookies and storage.
    pub async fn another_tab(&self, screen: Screen) -> Self {
        let downloads = std::sync::Arc::clone(&self.downloads);
        Self::in_context(self.connection.clone(), self.context.clone(), downloads, screen).await
    }

    async fn in_context(
        connection: Connection,
        context: String,
        downloads: std::sync::Arc<TempDir>,
        screen: Screen,
    ) -> Self {
        let made = json!({"url": "about:blank", "browserContextId": context, "newWindow": true});
        let target = connection.call("", "Target.createTarget", made).await;
        let target = target["targetId"].as_str().expect("a target").to_owned();
        let attach = json!({"targetId": target, "flatten": true});
        let session = connection.call("", "Target.attachToTarget", attach).await;
        let session = session["sessionId"].as_str().expect("a session").to_owned();
        let complaints = Complaints::default();
        let noted = complaints.clone();
        connection.listen(&session, move |event| noted.take(event));
        let page = Self {
            connection,
            session,
            target,
            context,
            downloads,
            complaints,
        };
        for domain in ["Page", "Runtime", "Log", "Network", "Inspector", "DOM"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page.call(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({"source": script::WATCH}),
        )
        .await;
        // Every page of the tests believes that somebody looks at it.
        page.call("Emulation.setFocusEmulationEnabled", json!({"enabled": true}))
            .await;
        page.set_screen(screen).await;
        page
    }

    /// A command of the DevTools protocol for this page.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.connection.call(&self.session, method, params).await
    }

    /// What the page has done wrong, and what the test brings about on purpose.
    #[must_use]
    pub fn complaints(&self) -> &Complaints {
        &self.complaints
    }

    /// Changes size, colours and language of the screen.
    pub async fn set_screen(&self, screen: Screen) {
        let metrics = json!({
            "width": screen.width, "height": screen.height, "deviceScaleFactor": 1, "mobile": screen.phone,
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
        let touch = json!({"enabled": screen.phone, "maxTouchPoints": 5});
        self.call("Emulation.setTouchEmulationEnabled", touch).await;
        let scheme = if screen.dark { "dark" } else { "light" };
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.call("Emulation.setEmulatedMedia", media).await;
        let agent = self.connection.call("", "Browser.getVersion", json!({})).await;
        let agent = agent["userAgent"]
            .as_str()
            .unwrap_or_default()
            .replace("Headless", "");
        let language = json!({"userAgent": agent, "acceptLanguage": screen.language});
        self.call("Emulation.setUserAgentOverride", language).await;
    }

    /// Opens an address and waits until its document is there.
    ///
    /// # Panics
    /// When it cannot be loaded.
    pub async fn open(&self, url: &str) {
        let answer = self.call("Page.navigate", json!({"url": url})).await;
        assert!(answer["errorText"].is_null(), "{url}: {}", answer["errorText"]);
        self.wait_until("the document", "document.readyState === 'complete'")
            .await;
    }

    /// Loads the page again, as a person does.
    pub async fn reload(&self) {
        self.run("globalThis.__before_reload = true").await;
        self.call("Page.reload", json!({})).await;
        self.wait_until(
            "the page again",
            "!globalThis.__before_reload && document.readyState === 'complete'",
        )
        .await;
    }

    /// Evaluates an expression, waiting for its promise; an error when it throws or the document is being replaced.
    ///
    /// # Errors
    /// What was thrown.
    pub async fn try_run(&self, expression: &str) -> Result<Value, String> {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let mut answer = self
            .connection
            .try_call(&self.session, "Runtime.evaluate", params)
            .await?;
        match answer.get("exceptionDetails") {
            Some(details) => Err(details["exception"]["description"]
                .as_str()
                .unwrap_or("exception")
                .to_owned()),
            None => Ok(answer["result"]["value"].take()),
        }
    }

    /// Evaluates an expression.
    ///
    /// # Panics
    /// When it throws.
    pub async fn run(&self, expression: &str) -> Value {
        match self.try_run(expression).await {
            Ok(value) => value,
            Err(reason) => panic!("{expression}: {reason}"),
        }
    }

    /// Waits until an expression is true, and returns its value.
    ///
    /// # Panics
    /// When it does not get true; what is on the screen then is in the message and beside the screenshots.
    pub async fn wait_until(&self, what: &str, expression: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let last = match self.try_run(expression).await {
                Ok(Value::Null | Value::Bool(false)) => "not yet".to_owned(),
                Ok(Value::Number(number)) if number.as_f64() == Some(0.0) => "none".to_owned(),
                Ok(value) => return value,
                Err(reason) => reason,
            };
            if Instant::now() > deadline {
                self.give_up(what, &last).await;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    async fn give_up(&self, what: &str, last: &str) -> ! {
        let seen = self.try_run("document.body.innerText").await.unwrap_or_default();
        let url = self.try_run("location.href").await.unwrap_or_default();
        let picture = failures().join(format!("{}.png", self.target));
        self.screenshot(&picture).await;
        panic!(
            "waited in vain for {what} ({last}) at {url}; complaints: {:?}; picture: {}; on the screen:\n{}",
            self.complaints.unexpected(),
            picture.display(),
            seen.as_str().unwrap_or_default()
        );
    }

    /// Waits until something is displayed.
    pub async fn see(&self, target: &str) {
        let found = script::displayed(&selector(target));
        self.wait_until(target, &found).await;
    }

    /// Waits until nothing of the kind is displayed.
    pub async fn see_no(&self, target: &str) {
        let found = script::displayed(&selector(target));
        self.wait_until(&format!("the end of {target}"), &format!("{found} === 0"))
            .await;
    }

    /// Waits until so many of a kind are displayed.
    pub async fn see_count(&self, target: &str, count: usize) {
        let found = script::displayed(&selector(target));
        self.wait_until(&format!("{count} of {target}"), &format!("{found} === {count}"))
            .await;
    }

    /// Waits until one of the matching elements contains a text.
    pub async fn see_text(&self, target: &str, text: &str) {
        let texts = script::texts(&selector(target));
        let found = format!("{texts}.some((t) => t.includes({}))", literal(text));
        self.wait_until(&format!("{text:?} in {target}"), &found).await;
    }

    /// Waits until none of the matching elements contains a text.
    pub async fn see_no_text(&self, target: &str, text: &str) {
        let texts = script::texts(&selector(target));
        let found = format!("!{texts}.some((t) => t.includes({}))", literal(text));
        self.wait_until(&format!("no {text:?} in {target}"), &found).await;
    }

    /// How many of a kind are displayed now.
    pub async fn count(&self, target: &str) -> u64 {
        let found = script::displayed(&selector(target));
        self.run(&found).await.as_u64().unwrap_or(0)
    }

    /// The texts of all matching elements, as they are now.
    pub async fn texts(&self, target: &str) -> Vec<String> {
        let texts = self.run(&script::texts(&selector(target))).await;
        let texts = texts.as_array().into_iter().flatten();
        texts
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    }

    /// An attribute of the first matching element.
    pub async fn attribute(&self, target: &str, name: &str) -> Option<String> {
        let expression = format!(
            "document.querySelector({})?.getAttribute({}) ?? null",
            literal(&selector(target)),
            literal(name)
        );
        self.run(&expression).await.as_str().map(str::to_owned)
    }

    /// The value of a field.
    pub async fn value(&self, target: &str) -> String {
        let expression = format!(
            "document.querySelector({})?.value ?? ''",
            literal(&selector(target))
        );
        self.run(&expression)
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Where an element can be clicked, as soon as it can.
    async fn place(&self, target: &str) -> (f64, f64) {
        let expression = format!(
            "{}.then((place) => typeof place === 'string' ? Promise.reject(new Error(place)) : place)",
            script::place(&selector(target))
        );
        let place = self
            .wait_until(&format!("{target} to be clickable"), &expression)
            .await;
        let part = |name: &str| place[name].as_f64().expect("a coordinate");
        (part("x"), part("y"))
    }

    /// Clicks with the mouse.
    pub async fn click(&self, target: &str) {
        let (x, y) = self.place(target).await;
        self.mouse("mouseMoved", x, y, "none").await;
        self.mouse("mousePressed", x, y, "left").await;
        self.mouse("mouseReleased", x, y, "left").await;
    }

    /// Moves the mouse over something.
    pub async fn hover(&self, target: &str) {
        let (x, y) = self.place(target).await;
        self.mouse("mouseMoved", x, y, "none").await;
    }

    async fn mouse(&self, kind: &str, x: f64, y: f64, button: &str) {
        let count = u8::from(button != "none");
        let event = json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": count});
        self.call("Input.dispatchMouseEvent", event).await;
    }

    /// Turns the mouse wheel over something; negative is up.
    pub async fn wheel(&self, target: &str, pixels: i32) {
        let (x, y) = self.place(target).await;
        let event = json!({"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": pixels});
        self.call("Input.dispatchMouseEvent", event).await;
    }

    /// Presses a key where the focus is.
    pub async fn press(&self, key: Key) {
        let (name, code, number, text, modifiers) = key.parts();
        let mut event = json!({
            "type": if text.is_empty() { "rawKeyDown" } else { "keyDown" },
            "key": name, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers,
        });
        if !text.is_empty() {
            event["text"] = text.into();
        }
        if key == Key::SelectAll {
            event["commands"] = json!(["selectAll"]);
        }
        self.call("Input.dispatchKeyEvent", event.clone()).await;
        event["type"] = "keyUp".into();
        self.call("Input.dispatchKeyEvent", event).await;
    }

    /// Types where the focus is.
    pub async fn write(&self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Puts a text into a field in place of what is there.
    pub async fn fill(&self, target: &str, text: &str) {
        self.click(target).await;
        self.press(Key::SelectAll).await;
        if text.is_empty() {
            self.press(Key::Backspace).await;
        } else {
            self.write(text).await;
        }
    }

    /// Types with an input method: the letters are composed, and Enter takes what they became.
    pub async fn compose(&self, letters: &str, text: &str) {
        for end in letters.char_indices().map(|(at, c)| at + c.len_utf8()) {
            let part = &letters[..end];
            let length = part.chars().count();
            let composition = json!({"text": part, "selectionStart": length, "selectionEnd": length});
            self.call("Input.imeSetComposition", composition).await;
        }
        // What a browser reports while an input method is at work.
        let enter =
            json!({"type": "rawKeyDown", "key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229});
        self.call("Input.dispatchKeyEvent", enter).await;
        self.write(text).await;
    }

    /// Chooses an option of a select element by its value.
    pub async fn choose(&self, target: &str, value: &str) {
        self.see(target).await;
        let expression = format!(
            "(() => {{ const e = document.querySelector({}); e.focus(); e.value = {}; \
             e.dispatchEvent(new Event('input', {{bubbles: true}})); e.dispatchEvent(new Event('change', {{bubbles: true}})); \
             return e.value === {}; }})()",
            literal(&selector(target)),
            literal(value),
            literal(value)
        );
        assert_eq!(
            self.run(&expression).await,
            Value::Bool(true),
            "{target} has no option {value}"
        );
    }

    /// Picks files in a file field.
    pub async fn pick(&self, target: &str, files: &[&Path]) {
        self.see(target).await;
        let expression = format!("document.querySelector({})", literal(&selector(target)));
        let found = self
            .call("Runtime.evaluate", json!({"expression": expression}))
            .await;
        let params = json!({"files": files, "objectId": found["result"]["objectId"]});
        self.call("DOM.setFileInputFiles", params).await;
    }

    /// Drags files from outside onto something and drops them there.
    pub async fn drop_files(&self, target: &str, files: &[&Path]) {
        let (x, y) = self.place(target).await;
        let data = json!({"items": [], "files": files, "dragOperationsMask": 1});
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({"type": kind, "x": x, "y": y, "data": data});
            self.call("Input.dispatchDragEvent", event).await;
        }
    }

    /// Waits for a download to end, and reads where it is.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn downloaded(&self, name: &str, size: u64) -> PathBuf {
        let path = self.downloads.path().join(name);
        let deadline = Instant::now() + PATIENCE * 4;
        while std::fs::metadata(&path).map(|file| file.len()).ok() != Some(size) {
            if Instant::now() > deadline {
                let found: Vec<_> = std::fs::read_dir(self.downloads.path())
                    .expect("the folder of downloads")
                    .flatten()
                    .map(|entry| (entry.file_name(), entry.metadata().map(|file| file.len()).ok()))
                    .collect();
                panic!("{name} with {size} bytes was not downloaded; there is {found:?}");
            }
            tokio::time::sleep(GLANCE).await;
        }
        path
    }

    /// Cuts the network off, or joins it again.
    pub async fn set_offline(&self, offline: bool) {
        if offline {
            self.complaints.expect_unreachable();
        }
        let conditions =
            json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.call("Network.emulateNetworkConditions", conditions).await;
    }

    /// Limits the network to so many bytes per second in each direction.
    pub async fn set_speed(&self, bytes_per_second: i64) {
        let conditions = json!({
            "offline": false, "latency": 0,
            "downloadThroughput": bytes_per_second, "uploadThroughput": bytes_per_second,
        });
        self.call("Network.emulateNetworkConditions", conditions).await;
    }

    /// Writes what is on the screen into a file.
    ///
    /// # Panics
    /// When that is impossible.
    pub async fn screenshot(&self, file: &Path) {
        let picture = self
            .call("Page.captureScreenshot", json!({"format": "png"}))
            .await;
        let data = picture["data"].as_str().expect("a picture");
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(data)
            .expect("base64");
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("make a folder");
        std::fs::write(file, bytes).expect("write a picture");
    }

    /// Closes the tab, as a person does, after checking that it did nothing wrong.
    pub async fn close(self) {
        self.assert_clean().await;
        self.connection
            .call("", "Target.closeTarget", json!({"targetId": self.target}))
            .await;
    }

    /// Checks that the page did nothing wrong so far, its content security policy included.
    ///
    /// # Panics
    /// When it did.
    pub async fn assert_clean(&self) {
        let violations = self.run("globalThis.__violations ?? []").await;
        assert_eq!(
            violations,
            json!([]),
            "the content security policy stopped something"
        );
        let complaints = self.complaints.unexpected();
        assert!(
            complaints.is_empty(),
            "the page did something wrong: {complaints:#?}"
        );
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.connection.stop_listening(&self.session);
        if !std::thread::panicking() {
            let complaints = self.complaints.unexpected();
            assert!(
                complaints.is_empty(),
                "the page did something wrong: {complaints:#?}"
            );
        }
    }
}

/// Where pictures of failures go.
fn failures() -> PathBuf {
    crate::site::target_directory()
        .join("screenshots")
        .join("failures")
}
