//! One person on several devices and in several tabs: all show the same.

use tim_e2e::webtim::conversation;
use tim_e2e::{Device, Person, Screen, Site, run};

#[test]
fn two_devices_of_one_account_are_in_step() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Doubled", "Single"]).await;
        let desktop = Device::of(site, &a, Screen::DESKTOP).await;
        let phone = Device::of(site, &a, Screen::PHONE).await;
        let other = Device::of(site, &b, Screen::DESKTOP).await;

        // What one device sends, the other shows as its own.
        desktop.open_chat(&b.chat()).await;
        desktop.send("from the desktop").await;
        phone.open_chat(&b.chat()).await;
        phone.see_message("from the desktop").await;
        phone.see(r#"message[data-own="true"]"#).await;
        phone.send("from the phone").await;
        desktop.see_message("from the phone").await;

        // What one device reads is read on the other.
        phone.go("chats").await;
        desktop.go("settings").await;
        other.open_chat(&a.chat()).await;
        other.send("for both").await;
        let row = conversation(&b.chat());
        phone.see(&format!(r#"{row}[data-unread="1"]"#)).await;
        desktop.open_chat(&b.chat()).await;
        desktop.see_message("for both").await;
        phone.see(&format!(r#"{row}[data-unread="0"]"#)).await;
        for device in [desktop, phone, other] {
            device.close().await;
        }
    });
}

#[test]
fn several_tabs_of_one_browser_work_at_the_same_time() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Tabber", "Friend"]).await;
        let first = Device::of(site, &a, Screen::DESKTOP).await;
        let second = first.tab(Screen::DESKTOP).await;
        second.is_in().await;
        let third = first.tab(Screen::DESKTOP).await;
        third.is_in().await;
        let friend = b.connect(site, "sdk").await;
        let tabs = [first, second, third];
        for tab in &tabs {
            tab.open_chat(&b.chat()).await;
        }
        friend.send_text(&a.node(), "to every tab").await.unwrap();
        for tab in &tabs {
            tab.see_message("to every tab").await;
        }
        for (number, tab) in tabs.iter().enumerate() {
            tab.send(&format!("from tab {number}")).await;
        }
        for tab in &tabs {
            for number in 0..tabs.len() {
                tab.see_message(&format!("from tab {number}")).await;
            }
        }
        friend.close().await;
        for tab in tabs {
            tab.close().await;
        }
    });
}
