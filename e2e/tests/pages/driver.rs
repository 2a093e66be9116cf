//! The driver itself: a suite that does not notice what pages do wrong is worth nothing.

use tim_e2e::{Browser, Page, Screen, Site, run};

/// A page of the real server, with its content security policy, but without webtim on it.
async fn bare_page() -> Page {
    let page = Page::new(Browser::shared().await, Screen::DESKTOP).await;
    // Beside a text a browser asks for an icon by this name.
    page.complaints().expect("favicon.ico");
    page.open(&format!("{}robots.txt", Site::shared().url())).await;
    page
}

#[test]
fn an_error_on_the_console_is_noticed() {
    run(async {
        let page = bare_page().await;
        page.run("console.error('something broke')").await;
        let complaints = page.complaints().unexpected();
        assert_eq!(complaints, ["console: something broke"]);
        page.complaints().expect("something broke");
    });
}

#[test]
fn an_exception_is_noticed() {
    run(async {
        let page = bare_page().await;
        page.run("void setTimeout(() => { globalThis.thrown = true; throw new Error('nobody caught me'); })")
            .await;
        page.wait_until("the exception", "globalThis.thrown").await;
        page.run("0").await;
        let complaints = page.complaints().unexpected();
        assert!(
            complaints.len() == 1 && complaints[0].contains("nobody caught me"),
            "{complaints:?}"
        );
        page.complaints().expect("nobody caught me");
    });
}

#[test]
fn inline_scripts_and_styles_do_not_run_and_are_noticed() {
    run(async {
        let page = Page::new(Browser::shared().await, Screen::DESKTOP).await;
        page.open(&Site::shared().url()).await;
        page.run(
            "document.body.insertAdjacentHTML('beforeend', '<p id=probe style=\"color: rgb(1, 2, 3)\">x</p>');
             const script = document.createElement('script'); script.textContent = 'globalThis.inline = true';
             document.body.append(script);",
        )
        .await;
        page.wait_until("both violations", "globalThis.__violations.length >= 2")
            .await;
        assert_eq!(page.run("globalThis.inline ?? false").await, false);
        assert_ne!(page.run("getComputedStyle(probe).color").await, "rgb(1, 2, 3)");
        let complaints = page.complaints().unexpected();
        assert!(complaints.len() >= 2, "{complaints:?}");
        page.complaints().expect("Content Security Policy");
    });
}

#[test]
fn axe_finds_a_picture_without_a_description() {
    run(async {
        let page = bare_page().await;
        page.run("document.body.innerHTML = '<main><h1>x</h1><img src=\"data:,\"></main>'")
            .await;
        let findings = page.accessibility_findings().await;
        assert!(
            findings.iter().any(|finding| finding.contains("image-alt")),
            "{findings:?}"
        );
        page.complaints().expect("data:");
    });
}
