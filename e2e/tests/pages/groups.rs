//! Groups: new ones, joining and applying, refusing with a reason, kicking, leaving, dissolving, managers, topics.

use tim_e2e::{Device, Person, Screen, Site, run};

/// Makes a group; its name in webtim.
async fn create(device: &Device, topic: &str, kind: &str) -> String {
    device.go("groups").await;
    device.click("new-group").await;
    device.fill("new-group-dialog topic", topic).await;
    device
        .click(&format!(
            r#"[data-test="new-group-dialog"] input[value="{kind}"]"#
        ))
        .await;
    device.click("new-group-dialog create").await;
    device.see_no("new-group-dialog").await;
    device.see_text("chat-title", topic).await;
    device.attribute("chat", "data-chat").await.unwrap()
}

/// The row of a group in the list of all.
fn public(chat: &str) -> String {
    format!(r#"public-group[data-node="{}"]"#, chat.trim_start_matches("r:"))
}

async fn see_all_groups(device: &Device) {
    device.go("groups").await;
    device.click("tab-all").await;
}

/// Opens the card of a group that one is in.
async fn details(device: &Device, chat: &str) {
    if device.count("group-card").await > 0 {
        device.press(tim_e2e::page::Key::Escape).await;
        device.see_no("group-card").await;
    }
    device.open_chat(chat).await;
    device.click("chat-details").await;
    device.see("group-card").await;
}

fn member(person: &Person) -> String {
    format!(r#"member[data-node="{}"]"#, person.node)
}

#[test]
fn everybody_joins_an_open_group_at_once() {
    run(async {
        let site = Site::shared();
        let founder = Person::with_account(site, "Founder").await;
        let guest = Person::with_account(site, "Guest").await;
        let first = Device::of(site, &founder, Screen::DESKTOP).await;
        let second = Device::of(site, &guest, Screen::DESKTOP).await;
        let chat = create(&first, "Everybody is welcome", "open").await;
        see_all_groups(&second).await;
        second.click(&format!("{} join", public(&chat))).await;
        second.open_chat(&chat).await;
        second.send("hello all").await;
        first.see_message("hello all").await;
        first.see_text("message-sender", "Guest").await;
        first.send("welcome").await;
        second.see_message("welcome").await;
        first.close().await;
        second.close().await;
    });
}

#[test]
fn a_private_group_accepts_and_refuses_with_a_reason() {
    run(async {
        let site = Site::shared();
        let founder = Person::with_account(site, "Keeper").await;
        let lucky = Person::with_account(site, "Lucky").await;
        let sorry = Person::with_account(site, "Sorry").await;
        let first = Device::of(site, &founder, Screen::DESKTOP).await;
        let second = Device::of(site, &lucky, Screen::DESKTOP).await;
        let third = Device::of(site, &sorry, Screen::DESKTOP).await;
        let chat = create(&first, "By invitation only", "private").await;
        for (device, words) in [(&second, "I am a friend"), (&third, "I am a stranger")] {
            see_all_groups(device).await;
            device.click(&format!("{} ask-to-join", public(&chat))).await;
            device.fill("ask-to-join-dialog request-text", words).await;
            device.click("ask-to-join-dialog send-request").await;
            device.see(&format!("{} asked", public(&chat))).await;
        }
        first.go("groups").await;
        first.click("tab-requests").await;
        let row = |person: &Person| format!(r#"join-request[data-node="{}"]"#, person.node);
        first.see_text(&row(&lucky), "I am a friend").await;
        first.see_text(&row(&sorry), "I am a stranger").await;
        first.click(&format!("{} approve", row(&lucky))).await;
        first.see_no(&row(&lucky)).await;
        first.click(&format!("{} refuse", row(&sorry))).await;
        first.fill("refuse-reason", "only people we know").await;
        first.click("confirm-refuse").await;
        first.see_no(&row(&sorry)).await;

        second.open_chat(&chat).await;
        second.send("thank you").await;
        third.see_text("toasts", "only people we know").await;
        third.go("chats").await;
        third
            .see_no(&format!(r#"conversation[data-chat="{chat}"]"#))
            .await;
        for device in [first, second, third] {
            device.close().await;
        }
    });
}

#[test]
fn members_are_invited_made_managers_and_kicked_and_leave_and_the_founder_dissolves() {
    run(async {
        let site = Site::shared();
        let [founder, a] = Person::friends(site, ["Chair", "Member"]).await;
        let b = Person::with_account(site, "Rowdy").await;
        tim_e2e::webtim::befriend(site, &founder, &b).await;
        let chair = Device::of(site, &founder, Screen::DESKTOP).await;
        let first = Device::of(site, &a, Screen::DESKTOP).await;
        let second = Device::of(site, &b, Screen::DESKTOP).await;
        let chat = create(&chair, "Club", "private").await;
        details(&chair, &chat).await;
        chair.click("group-card invite").await;
        for person in [&a, &b] {
            chair
                .click(&format!(r#"candidate[data-name="{}"]"#, person.nickname))
                .await;
        }
        chair.click("invite-selected").await;
        chair.see_no("invite-dialog").await;
        for device in [&first, &second] {
            device.open_chat(&chat).await;
        }

        details(&chair, &chat).await;
        chair.see_count("member", 3).await;
        chair.click(&format!("{} member-menu", member(&a))).await;
        chair.click("appoint").await;
        chair.see_text(&member(&a), "Manager").await;
        chair.click(&format!("{} member-menu", member(&b))).await;
        chair.click("kick").await;
        chair.confirm().await;
        chair.see_no(&member(&b)).await;
        let row = format!(r#"conversation[data-chat="{chat}"]"#);
        second.see("toasts").await;
        second.see_no("composer-text").await;

        // The founder cannot leave, only dissolve.
        chair.click("group-more").await;
        chair.click("edit-group").await;
        chair.fill("edit-group-dialog topic", "Club of two").await;
        chair.click("save-group").await;
        chair.see_no("edit-group-dialog").await;
        first.see_text("chat-title", "Club of two").await;

        details(&first, &chat).await;
        first.click("group-more").await;
        first.click("leave").await;
        first.confirm().await;
        first.see_no("composer-text").await;
        details(&chair, &chat).await;
        chair.see_count("member", 1).await;
        chair.click("group-more").await;
        chair.click("dissolve").await;
        chair.fill("dissolve-name", "Club of two").await;
        chair.click("dissolve-dialog confirm-ok").await;
        chair.see_no(&row).await;
        for device in [chair, first, second] {
            device.close().await;
        }
    });
}
