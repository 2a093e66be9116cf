//! Ten thousand messages: lists keep only what is on the screen in the document.

use futures_util::StreamExt as _;
use futures_util::stream;
use tim_client::Outgoing;
use tim_e2e::{Device, Person, Screen, Site, run};

/// How many elements a page may hold, whatever the length of its lists.
const ELEMENTS: u64 = 4000;
/// How many things are under way at once while data is made.
const AT_ONCE: usize = 32;

async fn elements_are_few(device: &Device) {
    let elements = device.run("document.querySelectorAll('*').length").await;
    assert!(elements.as_u64().unwrap() < ELEMENTS, "{elements} elements");
}

#[test]
fn a_conversation_of_ten_thousand_messages_is_read_to_its_beginning() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Archivist", "Chronicler"]).await;
        let writer = b.connect(site, "seed").await;
        let (to, from) = (&a.node(), &writer);
        stream::iter(1..=10_000)
            .map(|number| async move {
                from.send(to, Outgoing::text(format!("entry {number}")))
                    .await
                    .unwrap();
            })
            .buffered(AT_ONCE)
            .for_each(|()| async {})
            .await;
        writer.close().await;

        let device = Device::of(site, &a, Screen::DESKTOP).await;
        device.open_chat(&b.chat()).await;
        device.see("message").await;
        elements_are_few(&device).await;
        // Up and up, as fast as the pages of the history come.
        let up = "(() => { const m = document.querySelector('[data-test=messages]'); m.scrollTop = 0;
            return [...document.querySelectorAll('[data-test=message-text]')].some((t) => t.innerText.trim() === 'entry 1'); })()";
        device.wait_until("the first entry", up).await;
        elements_are_few(&device).await;
        device.click("jump-newest").await;
        device.see_message("entry 10000").await;
        device.close().await;
    });
}
