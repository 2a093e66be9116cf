//! Without a mouse, and on a phone: the main flow from the sign-in to an answer.

use tim_e2e::page::Key;
use tim_e2e::script::{literal, selector};
use tim_e2e::{Browser, Device, Page, Person, Screen, Site, run};

/// Presses Tab until something has the focus.
async fn tab_to(device: &Device, target: &str) {
    let has_focus = format!(
        "document.activeElement?.closest({}) !== null",
        literal(&selector(target))
    );
    for _ in 0..80 {
        if device.run(&has_focus).await == true {
            let visible = "(() => { const s = getComputedStyle(document.activeElement), f = document.activeElement.matches(':focus-visible'); \
                 return f && (s.outlineStyle !== 'none' || s.boxShadow !== 'none' || s.borderColor !== ''); })()";
            assert_eq!(
                device.run(visible).await,
                true,
                "the focus on {target} cannot be seen"
            );
            return;
        }
        device.press(Key::Tab).await;
    }
    panic!("{target} cannot be reached with the keyboard");
}

#[test]
fn signing_in_writing_and_signing_out_need_no_mouse() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Keyboarder", "Companion"]).await;
        let companion = b.connect(site, "sdk").await;
        companion.send_text(&a.node(), "no mouse needed").await.unwrap();
        let device = Device::new(site, Screen::DESKTOP).await;
        tab_to(&device, "account-name").await;
        device.write(&a.name).await;
        tab_to(&device, "password").await;
        device.write(&a.password).await;
        device.press(Key::Enter).await;
        device.is_in().await;

        tab_to(&device, "nav-chats").await;
        device.press(Key::Enter).await;
        tab_to(&device, "conversation").await;
        device.press(Key::Enter).await;
        device.see_message("no mouse needed").await;
        tab_to(&device, "composer-text").await;
        device.write("first line").await;
        device.press(Key::ShiftEnter).await;
        device.write("second line").await;
        device.press(Key::Enter).await;
        device.see_message("first line\nsecond line").await;

        // A dialog takes the focus, keeps it, and gives it back.
        tab_to(&device, "nav-people").await;
        device.press(Key::Enter).await;
        tab_to(&device, "person-open").await;
        device.press(Key::Enter).await;
        device.see("person-card").await;
        let inside = "document.activeElement?.closest('[role=dialog], dialog') != null";
        device.wait_until("the focus in the dialog", inside).await;
        for _ in 0..12 {
            device.press(Key::Tab).await;
            assert_eq!(device.run(inside).await, true, "the focus left the dialog");
        }
        device.press(Key::Escape).await;
        device.see_no("person-card").await;
        let back = "document.activeElement?.closest('[data-test=person-open]') != null";
        device.wait_until("the focus back", back).await;
        companion.close().await;
        device.close().await;
    });
}

#[test]
fn a_phone_shows_the_list_and_the_conversation_one_at_a_time_and_nothing_sticks_out() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Pocket", "Desk"]).await;
        let desk = b.connect(site, "sdk").await;
        desk.send_text(&a.node(), "a_very_long_word_".repeat(30))
            .await
            .unwrap();
        let phone = Device::of(site, &a, Screen::PHONE).await;
        phone.go("chats").await;
        phone.see("conversation").await;
        phone.see_no("composer-text").await;
        phone.open_chat(&b.chat()).await;
        phone.see("composer-text").await;
        phone.see_no("conversation").await;
        phone.send("from my pocket").await;
        phone.see_message("from my pocket").await;
        phone.click("back").await;
        phone.see("conversation").await;
        for area in ["chats", "people", "groups", "settings"] {
            phone.go(area).await;
            let width = phone.run("document.documentElement.scrollWidth").await;
            assert_eq!(width, 390, "{area} is wider than the screen");
        }
        desk.close().await;
        phone.close().await;
    });
}

#[test]
fn the_language_follows_the_browser_and_changes_without_loading_again() {
    run(async {
        let site = Site::shared();
        let person = Person::with_account(site, "语言").await;
        let page = Page::new(Browser::shared().await, Screen::DESKTOP.chinese()).await;
        page.open(&site.url()).await;
        page.see("sign-in-form").await;
        assert_eq!(page.run("document.documentElement.lang").await, "zh-CN");
        page.close().await;

        let device = Device::of(site, &person, Screen::DESKTOP).await;
        assert_eq!(device.run("document.documentElement.lang").await, "en");
        device.go("settings").await;
        device.see_text("settings-screen", "Settings").await;
        device.run("globalThis.same_document = true").await;
        device.choose("language", "zh-CN").await;
        device.see_text("settings-screen", "设置").await;
        assert_eq!(device.run("document.documentElement.lang").await, "zh-CN");
        assert_eq!(device.run("globalThis.same_document").await, true);
        device.reload().await;
        device.is_in().await;
        device.go("settings").await;
        device.see_text("settings-screen", "设置").await;
        device.close().await;
    });
}
