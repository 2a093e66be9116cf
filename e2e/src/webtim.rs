//! webtim as a person uses it: what to click and type for each thing that people do, and who the people are.

use std::sync::atomic::{AtomicU64, Ordering};

use tim_client::{Client, ClientBuilder, Credentials, Event, Node, NoticeKind, UserProfile};

use crate::page::Page;
use crate::script::literal;
use crate::{Browser, Screen, Site, within};

/// The text of each message on the screen, from above.
const MESSAGES: &str = "[...document.querySelectorAll('[data-test=message]')]
    .map((m) => m.querySelector('[data-test=message-text]')?.innerText.trim()).filter((t) => t !== undefined)";

/// An account.
#[derive(Clone, Debug)]
pub struct Person {
    /// Login name.
    pub name: String,
    /// Password.
    pub password: String,
    /// What others see.
    pub nickname: String,
    /// Address; empty until the account exists.
    pub node: String,
}

impl Person {
    /// Somebody who has no account yet. The name is nobody else's.
    #[must_use]
    pub fn new(nickname: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!(
                "{}{number}",
                nickname
                    .to_lowercase()
                    .replace(|c: char| !c.is_ascii_alphanumeric(), "")
            ),
            password: format!("correct horse {number}"),
            nickname: nickname.to_owned(),
            node: String::new(),
        }
    }

    /// Somebody with an account and a nickname, made without a browser.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn with_account(site: &Site, nickname: &str) -> Self {
        let mut person = Self::new(nickname);
        let server = ClientBuilder::new(&site.socket()).expect("an address");
        let node = server.register(&person.name, &person.password).await;
        person.node = node.expect("a new account").to_string();
        let client = person.connect(site, "setup").await;
        let profile = UserProfile::new().with_nickname(nickname.to_owned());
        client.set_profile(profile).await.expect("a nickname");
        client.close().await;
        person
    }

    /// Two people with accounts who are friends.
    pub async fn friends(site: &Site, names: [&str; 2]) -> [Self; 2] {
        let a = Self::with_account(site, names[0]).await;
        let b = Self::with_account(site, names[1]).await;
        befriend(site, &a, &b).await;
        [a, b]
    }

    /// Logs in with the SDK, on a device of the given name.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn connect(&self, site: &Site, device: &str) -> Client {
        let server = ClientBuilder::new(&site.socket())
            .expect("an address")
            .resource(device);
        let credentials = Credentials::password(&self.name, &self.password);
        within("a login", server.connect(credentials))
            .await
            .expect("a login")
    }

    /// The address as the SDK has it.
    ///
    /// # Panics
    /// When there is no account yet.
    #[must_use]
    pub fn node(&self) -> Node {
        self.node.parse().expect("a node")
    }

    /// How webtim names the conversation with this person.
    #[must_use]
    pub fn chat(&self) -> String {
        format!("u:{}", self.node)
    }
}

/// Makes friends of two accounts, without a browser.
///
/// # Panics
/// When the server refuses.
pub async fn befriend(site: &Site, a: &Person, b: &Person) {
    let (first, second) = (a.connect(site, "setup").await, b.connect(site, "setup").await);
    first.add_friend(&b.node(), "").await.expect("a request");
    let asked = async {
        loop {
            match second.next_event().await {
                Some(Event::Notice(notice)) if notice.kind == NoticeKind::FriendRequest => break,
                Some(_) => {}
                None => panic!("the session has ended"),
            }
        }
    };
    within("a friend request", asked).await;
    second.accept_friend(&a.node()).await.expect("an acceptance");
    first.close().await;
    second.close().await;
}

/// A browser with webtim open, and the person before it.
#[derive(Debug)]
pub struct Device {
    /// What is on the screen.
    pub page: Page,
    url: String,
}

impl std::ops::Deref for Device {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl Device {
    /// A browser of its own, showing the sign-in.
    pub async fn new(site: &Site, screen: Screen) -> Self {
        Self::at(&site.url(), screen).await
    }

    /// A browser of its own, showing the sign-in of a page at an address.
    pub async fn at(url: &str, screen: Screen) -> Self {
        let page = Page::new(Browser::shared().await, screen).await;
        let device = Self {
            page,
            url: url.to_owned(),
        };
        device.open(&device.url).await;
        device.see("sign-in-form").await;
        device
    }

    /// A browser in which somebody has signed in.
    pub async fn of(site: &Site, person: &Person, screen: Screen) -> Self {
        let device = Self::new(site, screen).await;
        device.sign_in(person).await;
        device
    }

    /// A further tab of this browser, which shows the same person.
    pub async fn tab(&self, screen: Screen) -> Self {
        let page = self.page.another_tab(screen).await;
        let device = Self {
            page,
            url: self.url.clone(),
        };
        device.open(&device.url).await;
        device
    }

    /// Fills the sign-in form and sends it.
    pub async fn try_sign_in(&self, name: &str, password: &str) {
        self.fill("sign-in-form account-name", name).await;
        self.fill("sign-in-form password", password).await;
        self.click("sign-in-form submit").await;
    }

    /// Signs in and waits until that is done.
    pub async fn sign_in(&self, person: &Person) {
        self.try_sign_in(&person.name, &person.password).await;
        self.is_in().await;
    }

    /// Waits until somebody is signed in and connected.
    pub async fn is_in(&self) {
        self.see("shell").await;
        self.is_connected().await;
    }

    /// Waits until the connection stands.
    pub async fn is_connected(&self) {
        self.see_no("connection-banner").await;
    }

    /// Fills the registration and sends it.
    pub async fn try_register(&self, person: &Person) {
        self.click("tab-register").await;
        self.fill("register-form account-name", &person.name).await;
        self.fill("register-form nickname", &person.nickname).await;
        self.fill("register-form password", &person.password).await;
        self.click("register-form submit").await;
    }

    /// Goes to an area of the application.
    pub async fn go(&self, area: &str) {
        if self.count("back").await > 0 {
            self.click("back").await;
        }
        self.click(&format!("nav-{area}")).await;
    }

    /// Opens a conversation from the list.
    pub async fn open_chat(&self, chat: &str) {
        self.go("chats").await;
        self.click(&conversation(chat)).await;
        self.see(&format!(r#"chat[data-chat="{chat}"]"#)).await;
    }

    /// Writes into the conversation that is open.
    pub async fn send(&self, text: &str) {
        self.fill("composer-text", text).await;
        self.press(crate::page::Key::Enter).await;
        self.wait_until(
            "the field to be empty",
            &format!(
                "document.querySelector({}).value === ''",
                literal("[data-test=composer-text]")
            ),
        )
        .await;
    }

    /// Waits until a text is in the conversation that is open, exactly once.
    pub async fn see_message(&self, text: &str) {
        let once = format!("{MESSAGES}.filter((t) => t === {}).length === 1", literal(text));
        self.wait_until(&format!("the message {text:?}, once"), &once)
            .await;
    }

    /// The texts of all messages on the screen, from above.
    pub async fn messages(&self) -> Vec<String> {
        let texts = self.run(MESSAGES).await;
        let texts = texts.as_array().into_iter().flatten();
        texts
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    }

    /// Opens a page of the settings.
    pub async fn settings(&self, page: &str) {
        self.go("settings").await;
        self.click(&format!("settings-{page}")).await;
        self.see(&format!("page-{page}")).await;
    }

    /// Tells others something about oneself, or hides from them.
    pub async fn set_status(&self, text: &str, invisible: bool) {
        self.settings("account").await;
        self.click("set-status").await;
        self.fill("status-text", text).await;
        let hidden =
            "document.querySelector('[data-test=invisible]').matches('[aria-checked=true], :checked')";
        if self.run(hidden).await != invisible {
            self.click("invisible").await;
        }
        self.click("save-status").await;
        self.see_no("status-dialog").await;
    }

    /// Signs out, and waits for the sign-in.
    pub async fn sign_out(&self) {
        self.settings("account").await;
        self.click("sign-out").await;
        self.confirm().await;
        self.see("sign-in-form").await;
    }

    /// Closes the browser, after checking that the page did nothing wrong.
    pub async fn close(self) {
        self.page.close().await;
    }

    /// Says yes to a question.
    pub async fn confirm(&self) {
        self.click("confirm-ok").await;
    }
}

/// The row of a conversation.
#[must_use]
pub fn conversation(chat: &str) -> String {
    format!(r#"conversation[data-chat="{chat}"]"#)
}
