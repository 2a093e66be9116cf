//! Every screen, in two widths, two themes and two languages: a picture of each in `target/screenshots` for people to
//! look at, and axe-core finds nothing serious on any. Elements that stick out of a phone's screen are counted as
//! faults too.

use std::path::PathBuf;

use tim_client::{Outgoing, RoomKind, UserProfile};
use tim_e2e::site::target_directory;
use tim_e2e::webtim::befriend;
use tim_e2e::{Browser, Device, Page, Person, Screen, Site, run};

/// A screen, and how to get there from any other.
const SETTINGS: [&str; 6] = [
    "appearance",
    "notifications",
    "account",
    "privacy",
    "shortcuts",
    "about",
];

/// The pictures of one way to look at the pages.
struct Album {
    name: String,
    screen: Screen,
    /// What axe-core and the measuring of widths found.
    faults: Vec<String>,
}

impl Album {
    fn new(screen: Screen) -> Self {
        let theme = if screen.dark { "dark" } else { "light" };
        Self {
            name: format!("{}-{theme}-{}", screen.width, &screen.language[..2]),
            screen,
            faults: Vec::new(),
        }
    }

    async fn take(&mut self, page: &Page, what: &str) {
        page.wait_until("the fonts", "document.fonts.ready.then(() => true)")
            .await;
        let folder: PathBuf = target_directory().join("screenshots").join(&self.name);
        page.screenshot(&folder.join(format!("{what}.png"))).await;
        for finding in page.accessibility_findings().await {
            self.faults.push(format!("{what} {}: {finding}", self.name));
        }
        let width = page.run("document.documentElement.scrollWidth").await;
        if width != self.screen.width {
            self.faults
                .push(format!("{what} {}: {width} pixels wide", self.name));
        }
    }
}

/// Somebody with friends, groups, requests and messages of all kinds.
async fn somebody(site: &Site) -> Person {
    let [me, friend] = Person::friends(site, ["Lin Mei", "Ada Lovelace"]).await;
    let names = [
        "王小明",
        "Grace Hopper",
        "Jean-Baptiste de La Rochefoucauld-Liancourt",
    ];
    let mut others = Vec::new();
    for name in names {
        let other = Person::with_account(site, name).await;
        befriend(site, &me, &other).await;
        others.push(other);
    }
    let client = me.connect(site, "seed").await;
    let about = UserProfile::new().with_nickname("Lin Mei");
    client.set_profile(about).await.unwrap();
    let room = client.create_room(RoomKind::Open, "Weekend hikes").await.unwrap();
    let private = client.create_room(RoomKind::Private, "读书会").await.unwrap();
    for other in &others {
        client.room(&room).invite(&other.node()).await.unwrap();
    }
    let ada = friend.connect(site, "seed").await;
    for text in [
        "Good morning! Did you see the notes about the analytical engine? https://example.org/notes/engine",
        "They say it might act upon other things besides number.",
        "🎉",
    ] {
        ada.send(&me.node(), Outgoing::text(text)).await.unwrap();
    }
    client
        .send(
            &friend.node(),
            Outgoing::text("Not yet, I will read them on the train. 今晚聊！"),
        )
        .await
        .unwrap();
    let other = others[0].connect(site, "seed").await;
    let long = "这个周末去爬山吗？天气预报说星期六晴，星期天有小雨。我可以开车，早上七点在地铁站出口见。";
    other.send(&me.node(), Outgoing::text(long)).await.unwrap();
    other.room(&room).send_text("I bring the map.").await.unwrap();
    let stranger = Person::with_account(site, "Marie Curie").await;
    let asking = stranger.connect(site, "seed").await;
    asking
        .add_friend(&me.node(), "We met at the congress in Brussels")
        .await
        .unwrap();
    asking.room(&private).join("I love books").await.unwrap();
    for client in [client, ada, other, asking] {
        client.close().await;
    }
    me
}

async fn tour(site: &Site, me: &Person, screen: Screen) -> Vec<String> {
    let mut album = Album::new(screen);
    let page = Page::new(Browser::shared().await, screen).await;
    page.open(&site.url()).await;
    page.see("sign-in-form").await;
    album.take(&page, "sign-in").await;
    page.click("sign-in-form submit").await;
    page.see("account-name-error").await;
    album.take(&page, "sign-in-errors").await;
    page.click("tab-register").await;
    page.see("register-form").await;
    album.take(&page, "register").await;
    page.close().await;

    let device = Device::of(site, me, screen).await;
    device.go("chats").await;
    device.see("conversation").await;
    album.take(&device, "chats").await;
    device.click("conversation").await;
    device.see("message").await;
    album.take(&device, "chat").await;
    device.go("people").await;
    for tab in ["friends", "requests", "discover"] {
        device.click(&format!("tab-{tab}")).await;
        device.see(&format!(r#"tab-{tab}[aria-selected="true"]"#)).await;
        album.take(&device, &format!("people-{tab}")).await;
    }
    device.go("groups").await;
    for tab in ["mine", "all", "requests"] {
        device.click(&format!("tab-{tab}")).await;
        device.see(&format!(r#"tab-{tab}[aria-selected="true"]"#)).await;
        album.take(&device, &format!("groups-{tab}")).await;
    }
    for page in SETTINGS {
        device.settings(page).await;
        album.take(&device, &format!("settings-{page}")).await;
        if screen.phone {
            device.click("settings-back").await;
        }
    }
    device.close().await;
    album.faults
}

#[test]
fn all_screens_are_accessible_in_all_widths_themes_and_languages() {
    run(async {
        let site = Site::shared();
        let me = somebody(site).await;
        let mut faults = Vec::new();
        for screen in [Screen::DESKTOP, Screen::PHONE] {
            for screen in [screen, screen.dark(), screen.chinese(), screen.chinese().dark()] {
                faults.extend(tour(site, &me, screen).await);
            }
        }
        assert!(
            faults.is_empty(),
            "{} faults:\n{}",
            faults.len(),
            faults.join("\n")
        );
    });
}
