//! Registering, signing in and out, staying signed in.

use tim_e2e::page::Key;
use tim_e2e::{Device, Person, Screen, Site, run};

#[test]
fn somebody_registers_and_is_in() {
    run(async {
        let site = Site::shared();
        let device = Device::new(site, Screen::DESKTOP).await;
        let person = Person::new("Ada Lovelace");
        device.try_register(&person).await;
        device.is_in().await;
        device.go("settings").await;
        device.see_text("own-row", "Ada Lovelace").await;
        device.close().await;
    });
}

#[test]
fn a_name_that_is_taken_is_refused_with_a_reason() {
    run(async {
        let site = Site::shared();
        let taken = Person::with_account(site, "Grace").await;
        let device = Device::new(site, Screen::DESKTOP).await;
        let second = Person {
            name: taken.name.clone(),
            ..Person::new("Another Grace")
        };
        device.try_register(&second).await;
        device.see("sign-in-error").await;
        device.see_no("shell").await;
        device.close().await;
    });
}

#[test]
fn a_wrong_password_is_refused_and_the_right_one_works_after_it() {
    run(async {
        let site = Site::shared();
        let person = Person::with_account(site, "Edsger").await;
        let device = Device::new(site, Screen::DESKTOP).await;
        device.try_sign_in(&person.name, "not the password").await;
        device.see("sign-in-error").await;
        device.see_no("shell").await;
        device.sign_in(&person).await;
        device.close().await;
    });
}

#[test]
fn a_session_survives_a_reload_and_a_restart_of_the_server_without_a_password_in_storage() {
    run(async {
        let site = Site::start();
        let person = Person::with_account(&site, "Barbara").await;
        let device = Device::of(&site, &person, Screen::DESKTOP).await;
        device.reload().await;
        device.is_in().await;

        device.complaints().expect_unreachable();
        site.server().stop();
        site.server().run();
        device.reload().await;
        device.is_in().await;

        let stored = device
            .run("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
            .await;
        let stored = stored.as_str().unwrap();
        assert!(!stored.contains(&person.password), "{stored}");
        assert_eq!(
            device.run("document.cookie").await,
            "",
            "the cookie is not for scripts"
        );
        device.close().await;
    });
}

#[test]
fn signing_out_ends_the_session_in_all_tabs() {
    run(async {
        let site = Site::shared();
        let person = Person::with_account(site, "Radia").await;
        let device = Device::of(site, &person, Screen::DESKTOP).await;
        let tab = device.tab(Screen::DESKTOP).await;
        tab.is_in().await;
        device.sign_out().await;
        tab.see("sign-in-form").await;
        device.reload().await;
        device.see("sign-in-form").await;
        tab.close().await;
        device.close().await;
    });
}

#[test]
fn a_changed_password_is_the_one_that_works() {
    run(async {
        let site = Site::shared();
        let person = Person::with_account(site, "Donald").await;
        let device = Device::of(site, &person, Screen::DESKTOP).await;
        device.settings("account").await;
        device.click("change-password").await;
        for (old, reason) in [("wrong", true), (person.password.as_str(), false)] {
            device.fill("old-password", old).await;
            device.fill("new-password", "a better password").await;
            device.fill("repeat-password", "a better password").await;
            device.press(Key::Enter).await;
            if reason {
                device.see("password-dialog [role=alert]").await;
            } else {
                device.see_no("password-dialog").await;
            }
        }
        device.sign_out().await;

        device.try_sign_in(&person.name, &person.password).await;
        device.see("sign-in-error").await;
        device.try_sign_in(&person.name, "a better password").await;
        device.is_in().await;
        device.close().await;
    });
}
