//! Finding people, requests, presence, moods, blocking.

use tim_e2e::{Device, Person, Screen, Site, run};

/// The row of a friend.
fn friend(person: &Person) -> String {
    format!(r#"friends [data-node="{}"]"#, person.node)
}

async fn tab(device: &Device, name: &str) {
    device.go("people").await;
    device.click(&format!("tab-{name}")).await;
}

/// Finds somebody by account name and asks for friendship.
async fn ask(device: &Device, person: &Person, words: &str) {
    tab(device, "discover").await;
    device.fill("find-name", &person.name).await;
    device.click("find").await;
    device.see_text("found-person", &person.nickname).await;
    device.click("found-person add-friend").await;
    device.fill("ask-friend request-text", words).await;
    device.click("send-request").await;
    device.see_no("ask-friend").await;
}

#[test]
fn a_request_with_words_is_accepted_and_both_see_each_other_online() {
    run(async {
        let site = Site::shared();
        let a = Person::with_account(site, "Alice").await;
        let b = Person::with_account(site, "Bob").await;
        let alice = Device::of(site, &a, Screen::DESKTOP).await;
        let bob = Device::of(site, &b, Screen::DESKTOP).await;

        ask(&alice, &b, "We met at the library").await;
        tab(&bob, "requests").await;
        bob.see_text("friend-request", "We met at the library").await;
        bob.click("friend-request accept").await;

        for (device, other) in [(&alice, &b), (&bob, &a)] {
            tab(device, "friends").await;
            device.see_text(&friend(other), &other.nickname).await;
            device.see_text(&friend(other), "Online").await;
        }
        alice.close().await;
        bob.close().await;
    });
}

#[test]
fn an_unknown_name_is_not_found() {
    run(async {
        let site = Site::shared();
        let a = Person::with_account(site, "Seeker").await;
        let device = Device::of(site, &a, Screen::DESKTOP).await;
        tab(&device, "discover").await;
        device.fill("find-name", "nobody-of-this-name").await;
        device.click("find").await;
        device.see("not-found").await;
        device.close().await;
    });
}

#[test]
fn a_declined_request_makes_no_friends() {
    run(async {
        let site = Site::shared();
        let a = Person::with_account(site, "Hopeful").await;
        let b = Person::with_account(site, "Reserved").await;
        let alice = Device::of(site, &a, Screen::DESKTOP).await;
        let bob = Device::of(site, &b, Screen::DESKTOP).await;
        ask(&alice, &b, "Hello?").await;
        tab(&bob, "requests").await;
        bob.see_text("friend-request", "Hello?").await;
        bob.click("friend-request decline").await;
        bob.see_no("friend-request").await;
        tab(&bob, "friends").await;
        bob.see("no-friends").await;
        bob.reload().await;
        bob.is_in().await;
        tab(&bob, "requests").await;
        bob.see_no("friend-request").await;
        tab(&alice, "friends").await;
        alice.see("no-friends").await;
        alice.close().await;
        bob.close().await;
    });
}

#[test]
fn a_mood_is_seen_by_friends_and_an_invisible_friend_looks_offline() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Moody", "Watcher"]).await;
        let alice = Device::of(site, &a, Screen::DESKTOP).await;
        let bob = Device::of(site, &b, Screen::DESKTOP).await;
        tab(&bob, "friends").await;
        bob.see_text(&friend(&a), "Online").await;

        alice.set_status("Reading a novel", false).await;
        bob.see_text(&friend(&a), "Reading a novel").await;
        alice.set_status("Reading a novel", true).await;
        bob.see_text(&friend(&a), "Offline").await;
        alice.set_status("Back again", false).await;
        bob.see_text(&friend(&a), "Back again").await;
        alice.close().await;
        bob.close().await;
    });
}
