//! Texts: both ways, in order, once; unread marks; away and back; the way up through the history.

use tim_client::Outgoing;
use tim_e2e::webtim::conversation;
use tim_e2e::{Cable, Device, Person, Screen, Site, run};

#[test]
fn texts_go_both_ways_in_order_with_states_and_unread_marks() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Anna", "Ben"]).await;
        let anna = Device::of(site, &a, Screen::DESKTOP).await;
        let ben = Device::of(site, &b, Screen::DESKTOP).await;
        anna.open_chat(&b.chat()).await;
        anna.send("Good morning").await;
        anna.send("Did you sleep well?").await;

        let row = conversation(&a.chat());
        ben.see(&format!(r#"{row}[data-unread="2"]"#)).await;
        ben.see_text(&row, "Did you sleep well?").await;
        ben.open_chat(&a.chat()).await;
        ben.see(&format!(r#"{row}[data-unread="0"]"#)).await;
        ben.send("Like a stone 🪨, and you?").await;
        anna.see_message("Like a stone 🪨, and you?").await;

        let expected = ["Good morning", "Did you sleep well?", "Like a stone 🪨, and you?"];
        for device in [&anna, &ben] {
            device.see_message(expected[2]).await;
            assert_eq!(device.messages().await, expected);
            device.see_count("day-separator", 1).await;
        }
        anna.see_count(r#"message[data-own="true"][data-state="delivered"]"#, 2)
            .await;
        anna.see_count(r#"message[data-own="false"]"#, 1).await;
        anna.close().await;
        ben.close().await;
    });
}

#[test]
fn who_was_away_gets_everything_once_and_in_order() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Stayer", "Traveller"]).await;
        let stayer = Device::of(site, &a, Screen::DESKTOP).await;
        let traveller = Device::of(site, &b, Screen::DESKTOP).await;
        let row = conversation(&b.chat());
        stayer.go("chats").await;
        stayer.see(&format!(r#"{row}[data-presence="online"]"#)).await;
        traveller.close().await;
        stayer.see(&format!(r#"{row}[data-presence="offline"]"#)).await;

        stayer.open_chat(&b.chat()).await;
        let texts: Vec<String> = (1..=25).map(|number| format!("message {number} of 25")).collect();
        for text in &texts {
            stayer.send(text).await;
        }
        stayer.see_count(r#"message[data-state="sent"]"#, 25).await;

        let traveller = Device::of(site, &b, Screen::DESKTOP).await;
        traveller
            .see(&format!(r#"{}[data-unread="25"]"#, conversation(&a.chat())))
            .await;
        traveller.open_chat(&a.chat()).await;
        // It opens where the new ones begin.
        traveller.see_message(&texts[0]).await;
        traveller.see_count("new-messages", 1).await;
        let mut seen = traveller.messages().await;
        traveller.click("jump-newest").await;
        traveller.see_message(&texts[24]).await;
        for text in traveller.messages().await {
            if !seen.contains(&text) {
                seen.push(text);
            }
        }
        assert_eq!(seen, texts);
        stayer.close().await;
        traveller.close().await;
    });
}

#[test]
fn what_is_written_without_a_network_goes_out_when_it_is_back() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Tunnel", "Listener"]).await;
        let cable = Cable::to(site).await;
        let tunnel = Device::at(&cable.url(), Screen::DESKTOP).await;
        tunnel.sign_in(&a).await;
        let listener = Device::of(site, &b, Screen::DESKTOP).await;
        tunnel.open_chat(&b.chat()).await;
        listener.open_chat(&a.chat()).await;
        tunnel.complaints().expect_unreachable();
        cable.set_connected(false);
        tunnel.see("connection-banner").await;
        tunnel.send("written in a tunnel").await;
        tunnel.see(r#"message[data-state="sending"]"#).await;
        listener.send("written meanwhile").await;

        cable.set_connected(true);
        tunnel.is_connected().await;
        tunnel.see_message("written meanwhile").await;
        listener.see_message("written in a tunnel").await;
        tunnel.see_no(r#"message[data-state="sending"]"#).await;
        tunnel.close().await;
        listener.close().await;
    });
}

#[test]
fn a_text_composed_with_an_input_method_is_sent_whole_and_only_once() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["作者", "读者"]).await;
        let author = Device::of(site, &a, Screen::DESKTOP.chinese()).await;
        let reader = Device::of(site, &b, Screen::DESKTOP.chinese()).await;
        author.open_chat(&b.chat()).await;
        reader.open_chat(&a.chat()).await;
        author.click("composer-text").await;
        author.compose("nihao", "你好").await;
        assert_eq!(
            author.value("composer-text").await,
            "你好",
            "Enter took the composition, not the message"
        );
        author.press(tim_e2e::page::Key::Enter).await;
        reader.see_message("你好").await;
        assert_eq!(reader.messages().await, ["你好"]);
        author.close().await;
        reader.close().await;
    });
}

#[test]
fn a_draft_is_kept_for_each_conversation() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Drafter", "First"]).await;
        let c = Person::with_account(site, "Second").await;
        tim_e2e::webtim::befriend(site, &a, &c).await;
        let client = c.connect(site, "seed").await;
        client.send(&a.node(), Outgoing::text("hello")).await.unwrap();
        client.close().await;
        let device = Device::of(site, &a, Screen::DESKTOP).await;
        device.open_chat(&b.chat()).await;
        device.fill("composer-text", "not finished yet").await;
        device.open_chat(&c.chat()).await;
        assert_eq!(device.value("composer-text").await, "");
        device.reload().await;
        device.is_in().await;
        device
            .see_text(&conversation(&b.chat()), "not finished yet")
            .await;
        device.open_chat(&b.chat()).await;
        assert_eq!(device.value("composer-text").await, "not finished yet");
        device.close().await;
    });
}

#[test]
fn a_reply_quotes_what_it_answers() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Asker", "Answerer"]).await;
        let asker = Device::of(site, &a, Screen::DESKTOP).await;
        let answerer = Device::of(site, &b, Screen::DESKTOP).await;
        asker.open_chat(&b.chat()).await;
        asker.send("Tea or coffee?").await;
        answerer.open_chat(&a.chat()).await;
        answerer.see_message("Tea or coffee?").await;
        answerer.hover("message").await;
        answerer.click("message-menu").await;
        answerer.click("menu-reply").await;
        answerer.see_text("reply-bar", "Tea or coffee?").await;
        answerer.send("Tea, please").await;
        answerer.see_no("reply-bar").await;
        asker.see_message("Tea, please").await;
        asker
            .see_text(r#"message[data-own="false"] message-reply"#, "Tea or coffee?")
            .await;
        asker.close().await;
        answerer.close().await;
    });
}
