//! The server is killed and comes back: people go on where they were, nothing is lost and nothing comes twice.

use tim_e2e::{Device, Person, Screen, Site, run};

#[test]
fn a_killed_server_loses_and_doubles_nothing_in_the_middle_of_a_chat() {
    run(async {
        let site = Site::start();
        let [a, b] = Person::friends(&site, ["Before", "After"]).await;
        let first = Device::of(&site, &a, Screen::DESKTOP).await;
        let second = Device::of(&site, &b, Screen::DESKTOP).await;
        for device in [&first, &second] {
            device.complaints().expect_unreachable();
        }
        first.open_chat(&b.chat()).await;
        second.open_chat(&a.chat()).await;
        let mut expected = Vec::new();
        for round in 1..=3 {
            for (device, name) in [(&first, "first"), (&second, "second")] {
                let text = format!("{name} before {round}");
                device.send(&text).await;
                for device in [&first, &second] {
                    device.see_message(&text).await;
                }
                expected.push(text);
            }
            // Sent as the server dies: it has it or not, and either way it arrives once.
            let last = format!("in between {round}");
            first.send(&last).await;
            site.server().kill();
            let offline = format!("without a server {round}");
            first.send(&offline).await;
            first.see("connection-banner").await;
            site.server().run();
            for device in [&first, &second] {
                device.is_connected().await;
                device.see_message(&last).await;
                device.see_message(&offline).await;
            }
            expected.extend([last, offline]);
        }
        for device in [&first, &second] {
            assert_eq!(device.messages().await, expected);
            device.see_no(r#"message[data-state="sending"]"#).await;
            device.see_no(r#"message[data-state="failed"]"#).await;
        }
        first.close().await;
        second.close().await;
    });
}
