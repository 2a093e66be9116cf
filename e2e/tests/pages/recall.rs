//! Taking messages back: recall, and burning after reading.

use tim_e2e::{Device, Person, Screen, Site, run};

#[test]
fn a_recalled_message_is_gone_on_all_devices_of_both() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Regret", "Witness"]).await;
        let first = Device::of(site, &a, Screen::DESKTOP).await;
        let second = Device::of(site, &a, Screen::DESKTOP).await;
        let third = Device::of(site, &b, Screen::DESKTOP).await;
        let fourth = Device::of(site, &b, Screen::PHONE).await;
        let all = [(&first, &b), (&second, &b), (&third, &a), (&fourth, &a)];
        for (device, other) in all {
            device.open_chat(&other.chat()).await;
        }
        first.send("a typing mistaek").await;
        for (device, _) in all {
            device.see_message("a typing mistaek").await;
        }
        first.hover("message").await;
        first.click("message-menu").await;
        first.click("menu-recall").await;
        first.confirm().await;
        for (device, _) in all {
            device.see(r#"message[data-state="recalled"]"#).await;
            device.see_no_text("message", "a typing mistaek").await;
            // The place of the bubble stays, and nothing can be taken back twice.
            device.see_count("message", 1).await;
            device.see_no("menu-recall").await;
        }
        third.reload().await;
        third.is_in().await;
        third.open_chat(&a.chat()).await;
        third.see("messages").await;
        third.see_no_text("messages", "a typing mistaek").await;
        for device in [first, second, third, fourth] {
            device.close().await;
        }
    });
}

#[test]
fn a_message_to_burn_is_gone_after_it_was_read() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Secretive", "Discreet"]).await;
        let sender = Device::of(site, &a, Screen::DESKTOP).await;
        let reader = Device::of(site, &b, Screen::DESKTOP).await;
        sender.open_chat(&b.chat()).await;
        sender.click("composer-burn").await;
        sender.send("burn me").await;
        reader.open_chat(&a.chat()).await;
        reader.click("burn-uncover").await;
        reader.see_text("message", "burn me").await;
        reader.see_no_text("message", "burn me").await;
        sender.see_no_text("message", "burn me").await;
        reader.reload().await;
        reader.is_in().await;
        reader.open_chat(&a.chat()).await;
        reader.see("messages").await;
        reader.see_no_text("message", "burn me").await;
        sender.close().await;
        reader.close().await;
    });
}
