//! Whatever people type is text. Each field gets a script; none of it runs, all of it is shown as it was typed.

use serde_json::json;
use tim_client::{Outgoing, RoomProfile, UserProfile};
use tim_e2e::{Device, Person, Screen, Site, run};

/// What runs if a text becomes markup: one element that fails to load, one script, one that leaves an attribute.
const EVIL: &str = r#"<img src=x onerror="pwned=1"><script>pwned=1</script>"'><svg onload=pwned=1>"#;

/// Checks that no script ran and that no element came out of a text.
async fn is_harmless(device: &Device) {
    assert_eq!(device.run("globalThis.pwned ?? null").await, json!(null));
    let elements = "document.querySelectorAll('img[src=x], svg[onload], [onerror], body script').length";
    assert_eq!(device.run(elements).await, 0);
    device.assert_clean().await;
}

/// Brings a file to the server that calls itself a picture and is markup; its id.
async fn bring(site: &Site, from: &Person, to: &Person) -> String {
    let mut browser = tim_tests::browser::Browser::new(site.server());
    let login = json!({"name": from.name, "password": from.password, "remember": false});
    browser.post("/client/v1/session", &login).await;
    let path = format!("/client/v1/files?peer={}", to.node);
    let kind = "Content-Type: image/png";
    let taken = browser.send("POST", &path, &[kind], EVIL.as_bytes()).await;
    assert_eq!(taken.status, 201, "{taken:?}");
    tim_tests::browser::json(&taken)["file"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn names_status_messages_and_replies_are_text() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Mallory", "Victim"]).await;
        let client = a.connect(site, "evil").await;
        let profile = UserProfile::new().with_nickname(EVIL.to_owned());
        client.set_profile(profile).await.unwrap();
        let quoted = json!({"mid": 1, "from": a.node, "text": EVIL}).to_string();
        for message in [
            Outgoing::text(EVIL),
            Outgoing::text(
                "javascript:pwned=1 data:text/html,<script>pwned=1</script> http://x/\"onclick=\"pwned=1",
            ),
            Outgoing::text("an answer").with_field("tim.reply", quoted),
            Outgoing::text("broken")
                .with_field("tim.reply", EVIL)
                .with_field("tim.burn", EVIL),
        ] {
            client.send(&b.node(), message).await.unwrap();
        }
        // The server takes no file that was not brought; names and types are the sender's.
        let forged =
            json!({"id": format!("x\"><script>{EVIL}"), "name": "x", "size": 1, "type": "image/png"});
        for field in [forged.to_string(), EVIL.to_owned()] {
            let message = Outgoing::text("no file").with_field("tim.file", field);
            client.send(&b.node(), message).await.unwrap_err();
        }
        for kind in ["image/png", "image/png\" onerror=\"pwned=1", "text/html"] {
            let file = json!({
                "id": bring(site, &a, &b).await, "name": EVIL, "size": EVIL.len(), "type": kind,
                "sha256": "0".repeat(64), "width": 10, "height": 10,
            });
            let message = Outgoing::text("").with_field("tim.file", file.to_string());
            client.send(&b.node(), message).await.unwrap();
        }
        let victim = Device::of(site, &b, Screen::DESKTOP).await;
        victim.go("chats").await;
        victim.see_text("conversation", "<img src=x").await;
        victim.open_chat(&a.chat()).await;
        victim.see_message(EVIL).await;
        victim.see_text("chat-title", "<img src=x").await;
        victim.see_text("message-reply", "<img src=x").await;
        victim.see("file").await;
        // What looks like an address of a script is no link.
        let links = "[...document.querySelectorAll('[data-test=messages] a')].map((a) => a.protocol)";
        for protocol in victim.run(links).await.as_array().unwrap() {
            assert!(
                ["http:", "https:", "mailto:"].contains(&protocol.as_str().unwrap()),
                "{protocol}"
            );
        }
        is_harmless(&victim).await;
        client.close().await;
        victim.close().await;
    });
}

#[test]
fn what_is_typed_into_every_field_is_text() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Typist", "Reader"]).await;
        let c = Person::with_account(site, "Stranger").await;
        let device = Device::of(site, &a, Screen::DESKTOP).await;
        let stranger = Device::of(site, &c, Screen::DESKTOP).await;
        let reader = Device::of(site, &b, Screen::DESKTOP).await;

        device.settings("account").await;
        device.click("edit-profile").await;
        for field in ["nickname", "about", "area"] {
            device.fill(&format!("edit-profile-dialog {field}"), EVIL).await;
        }
        device.click("save-profile").await;
        device.see_no("edit-profile-dialog").await;
        device.set_status(EVIL, false).await;
        reader.go("people").await;
        reader.see_text("friends", "<img src=x").await;

        device.go("people").await;
        device.click("tab-discover").await;
        device.fill("find-name", EVIL).await;
        device.click("find").await;
        device.see_text("not-found", "<img src=x").await;
        device.fill("find-name", &c.name).await;
        device.click("find").await;
        device.click("found-person add-friend").await;
        device.fill("ask-friend request-text", EVIL).await;
        device.click("send-request").await;
        stranger.go("people").await;
        stranger.click("tab-requests").await;
        stranger.see_text("friend-request", EVIL).await;

        device.go("chats").await;
        device.fill("conversation-filter", EVIL).await;
        device.see_no("conversation").await;
        device.fill("conversation-filter", "").await;
        device.open_chat(&b.chat()).await;
        device.send(EVIL).await;
        reader.open_chat(&a.chat()).await;
        reader.see_message(EVIL).await;
        reader.see_text("chat-title", "<img src=x").await;

        for device in [device, stranger, reader] {
            is_harmless(&device).await;
            device.close().await;
        }
    });
}

#[test]
fn topics_and_reasons_are_text() {
    run(async {
        let site = Site::shared();
        let founder = Person::with_account(site, "Evil Founder").await;
        let guest = Person::with_account(site, "Curious").await;
        let client = founder.connect(site, "evil").await;
        let room = client
            .create_room(tim_client::RoomKind::Private, EVIL)
            .await
            .unwrap();
        let profile = RoomProfile::new()
            .with_topic(EVIL.to_owned())
            .with_label(EVIL.to_owned());
        client.room(&room).set_profile(profile).await.unwrap();

        let device = Device::of(site, &guest, Screen::DESKTOP).await;
        device.go("groups").await;
        device.click("tab-all").await;
        let row = format!(r#"public-group[data-node="{room}"]"#);
        device.see_text(&row, "<img src=x").await;
        device.click(&format!("{row} ask-to-join")).await;
        device.fill("ask-to-join-dialog request-text", EVIL).await;
        device.click("ask-to-join-dialog send-request").await;
        device.see(&format!("{row} asked")).await;
        client.room(&room).reject(&guest.node(), EVIL).await.unwrap();
        device.see_text("toasts", "<img src=x").await;
        is_harmless(&device).await;
        client.close().await;
        device.close().await;
    });
}
