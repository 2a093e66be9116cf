//! How quick the pages are: from the address to something that can be used, and how evenly ten thousand messages
//! scroll. Run by `cargo xtask web-bench` with a release server; nothing of this is asserted in a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement: what fails ends it, what it finds goes to standard output"
)]

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};
use tim_client::Outgoing;
use tim_e2e::script::{literal, selector};
use tim_e2e::{Browser, Device, Page, Person, Screen, Site, run};

/// How often the page is loaded.
const LOADS: usize = 10;
/// Length of the conversation that is scrolled.
const MESSAGES: u32 = 10_000;
/// How far one turn of the wheel goes, and how many there are.
const WHEEL: (i32, u32) = (-600, 120);

fn main() {
    run(measure());
}

async fn measure() {
    let site = Site::shared();
    let browser = Browser::shared().await;
    println!("browser: {}", browser.version().await);
    let cold = loads(site).await;
    report("first load, until the sign-in can be used", "ms", &cold);

    let [a, b] = Person::friends(site, ["Reader", "Writer"]).await;
    fill(site, &a, &b).await;
    let device = Device::of(site, &a, Screen::DESKTOP).await;
    let mut warm = Vec::new();
    for _ in 0..LOADS {
        note_appearance(&device, "conversation").await;
        device.reload().await;
        warm.push(appearance(&device).await);
    }
    report(
        "load with a session, until the conversations are there",
        "ms",
        &warm,
    );

    device.open_chat(&b.chat()).await;
    device.see_message(&format!("message {MESSAGES}")).await;
    let frames = scroll(&device).await;
    report(&format!("frames while {MESSAGES} messages scroll"), "ms", &frames);
    let late = frames.iter().filter(|frame| **frame > 34.0).count();
    println!("frames: {}, of them longer than 34 ms: {late}", frames.len());
    let heap = device.run("performance.memory?.usedJSHeapSize ?? 0").await;
    println!("script heap afterwards: {heap} bytes");
    device.close().await;
}

/// Milliseconds from the address to the sign-in, each time in a browser that has never been there.
async fn loads(site: &Site) -> Vec<f64> {
    let mut times = Vec::new();
    for _ in 0..LOADS {
        let page = Page::new(Browser::shared().await, Screen::DESKTOP).await;
        note_appearance(&page, "account-name").await;
        page.open(&site.url()).await;
        times.push(appearance(&page).await);
        page.close().await;
    }
    times
}

/// Has the next document note when something is displayed for the first time, after the frame in which it is.
async fn note_appearance(page: &Page, target: &str) {
    let source = format!(
        "globalThis.__appeared = null;
         (function look() {{
             const found = [...document.querySelectorAll({})].some((e) => e.getClientRects().length > 0);
             if (found) globalThis.__appeared = performance.now(); else requestAnimationFrame(look);
         }})();",
        literal(&selector(target))
    );
    page.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": source}))
        .await;
}

async fn appearance(page: &Page) -> f64 {
    let time = page
        .wait_until("the page to be usable", "globalThis.__appeared")
        .await;
    time.as_f64().expect("a time")
}

/// A long conversation.
async fn fill(site: &Site, reader: &Person, writer: &Person) {
    let client = writer.connect(site, "seed").await;
    let (to, from) = (&reader.node(), &client);
    stream::iter(1..=MESSAGES)
        .map(|number| async move {
            let text = Outgoing::text(format!("message {number}"));
            from.send(to, text).await.expect("a message");
        })
        .buffered(32)
        .for_each(|()| async {})
        .await;
    client.close().await;
}

/// Turns the wheel and notes how long each frame takes.
async fn scroll(device: &Device) -> Vec<f64> {
    device
        .run(
            "globalThis.__frames = []; globalThis.__last = null;
             (function frame(now) {
                 if (globalThis.__last !== null) globalThis.__frames.push(now - globalThis.__last);
                 globalThis.__last = now;
                 globalThis.__frame = requestAnimationFrame(frame);
             })(performance.now());",
        )
        .await;
    for _ in 0..WHEEL.1 {
        device.wheel("messages", WHEEL.0).await;
    }
    let frames = device.run("(cancelAnimationFrame(__frame), __frames)").await;
    let frames = frames.as_array().into_iter().flatten();
    frames.filter_map(Value::as_f64).collect()
}

fn report(what: &str, unit: &str, values: &[f64]) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        sorted
            .get((sorted.len().saturating_sub(1)) * percent / 100)
            .copied()
    };
    let [median, high, most] = [50, 95, 100].map(|percent| at(percent).unwrap_or_default());
    println!("{what}: median {median:.1} {unit}, 95 % {high:.1} {unit}, most {most:.1} {unit}");
}
