//! What a browser loads: the page starts, nothing of it comes from elsewhere, and what has a hash in its name is not
//! fetched again.

use serde_json::json;
use tim_e2e::{Browser, Page, Screen, Site, run};

/// What was fetched, and how much of it over the network.
const FETCHED: &str =
    "performance.getEntriesByType('resource').map((r) => ({ name: r.name, bytes: r.transferSize }))";
/// The application has drawn something.
const STARTED: &str = "document.getElementById('app').childElementCount > 0";

#[test]
fn the_page_starts_in_both_languages_and_widths_without_a_complaint() {
    run(async {
        let browser = Browser::shared().await;
        for screen in [Screen::DESKTOP, Screen::PHONE.chinese().dark()] {
            let page = Page::new(browser, screen).await;
            page.open(&Site::shared().url()).await;
            page.wait_until("the application", STARTED).await;
            page.close().await;
        }
    });
}

#[test]
fn everything_comes_from_the_server_and_is_kept_by_the_browser() {
    run(async {
        let url = Site::shared().url();
        let page = Page::new(Browser::shared().await, Screen::DESKTOP).await;
        page.open(&url).await;
        page.wait_until("the application", STARTED).await;
        let first = page.run(FETCHED).await;
        let first = first.as_array().unwrap();
        let module = first
            .iter()
            .find(|file| file["name"].as_str().unwrap().ends_with(".wasm"))
            .expect("the module is fetched");
        assert!(module["bytes"].as_u64().unwrap() > 10_000, "{module}");
        for file in first {
            let name = file["name"].as_str().unwrap();
            assert!(
                name.starts_with(&url) || name.starts_with("blob:"),
                "{name} is from elsewhere"
            );
        }

        page.reload().await;
        page.wait_until("the application", STARTED).await;
        let second = page.run(FETCHED).await;
        for file in second.as_array().unwrap() {
            if !file["name"].as_str().unwrap().contains("/client/") {
                assert_eq!(file["bytes"], json!(0), "{file} was fetched again");
            }
        }
        page.close().await;
    });
}

#[test]
fn an_address_inside_the_application_starts_it_too_and_a_missing_file_is_missing() {
    run(async {
        let page = Page::new(Browser::shared().await, Screen::DESKTOP).await;
        page.open(&format!("{}chats", Site::shared().url())).await;
        page.wait_until("the application", STARTED).await;
        let status = page
            .run("fetch('/no-such-file.js').then((answer) => answer.status)")
            .await;
        assert_eq!(status, 404);
        page.complaints().expect("no-such-file.js");
        page.close().await;
    });
}
