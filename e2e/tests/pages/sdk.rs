//! The npm package in pages without a bundler: what it does in Node it does in browsers, and beyond that it survives
//! what happens to pages.

use serde_json::{Value, json};
use tempfile::TempDir;
use tim_client::{ClientBuilder, Credentials, Node};
use tim_e2e::site::target_directory;
use tim_e2e::{Browser, Page, Person, Screen, Site, run, within};

/// A server whose page is empty and has the package beside it.
fn site() -> (Site, TempDir) {
    let package = target_directory().join("npm/package");
    let folder = tempfile::tempdir().unwrap();
    let files = std::fs::read_dir(&package)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask package` makes it", package.display()));
    for file in files.flatten() {
        let name = file.file_name().into_string().unwrap();
        if [".js", ".wasm"].iter().any(|end| name.ends_with(end)) {
            std::fs::copy(file.path(), folder.path().join(name)).unwrap();
        }
    }
    let page =
        "<!doctype html><html lang=en><title>SDK</title><link rel=icon href=data:,><body></body></html>";
    std::fs::write(folder.path().join("index.html"), page).unwrap();
    let directory = format!("{:?}", folder.path());
    (
        Site::with(|options| options.set("web.directory", &directory)),
        folder,
    )
}

/// A page with the package loaded and somebody signed in; events and messages are noted in globals.
async fn page_of(site: &Site, person: &Person) -> Page {
    let page = Page::new(Browser::shared().await, Screen::DESKTOP).await;
    page.open(&site.url()).await;
    page.run(&format!(
        "import('/tim.js').then(async (sdk) => {{
            await sdk.init();
            await new sdk.WebApi().signIn({{ name: {}, password: {}, remember: true }});
        }})",
        json!(person.name),
        json!(person.password)
    ))
    .await;
    connect(&page).await;
    page
}

/// Connects with the session that the browser remembers.
async fn connect(page: &Page) {
    page.run(
        "import('/tim.js').then(async (sdk) => {
            await sdk.init();
            globalThis.texts = [];
            globalThis.online = true;
            globalThis.client = await sdk.Client.connect({
                device: 'page', login: new sdk.WebApi(), reconnect: { first: 50, longest: 200 },
            });
            client.on('message', (message) => { globalThis.last = message; texts.push(message.text); });
            client.on('disconnected', () => { globalThis.online = false; });
            client.on('connected', () => { globalThis.online = true; });
        })",
    )
    .await;
}

async fn send(page: &Page, to: &Person, text: &str) {
    let expression = format!("void client.send({}, {})", json!(to.node), json!(text));
    page.run(&expression).await;
}

async fn see(page: &Page, texts: &[&str]) {
    let wanted = json!(texts).to_string();
    page.wait_until(&wanted, &format!("JSON.stringify(texts) === {}", json!(wanted)))
        .await;
}

#[test]
fn two_pages_chat_and_numbers_and_bytes_arrive_exactly() {
    run(async {
        let (site, _folder) = site();
        let [a, b] = Person::friends(&site, ["Page", "Other Page"]).await;
        let (first, second) = (page_of(&site, &a).await, page_of(&site, &b).await);
        let sent = first
            .run(&format!(
                "client.send({}, {{ text: '你好 <b>', binary: Uint8Array.of(0, 128, 255) }}).then((sent) => String(sent.timestamp))",
                json!(b.node)
            ))
            .await;
        see(&second, &["你好 <b>"]).await;
        let received = second
            .run("[[...last.binary], last.binary instanceof Uint8Array, typeof last.timestamp, String(last.timestamp)]")
            .await;
        assert_eq!(received, json!([[0, 128, 255], true, "bigint", sent]));
        let error = second
            .run("client.send('nobody', 'x').catch((error) => [error.name, error.kind])")
            .await;
        assert_eq!(error[0], "TimError", "{error}");
        first.close().await;
        second.close().await;
    });
}

#[test]
fn a_page_remembers_who_is_signed_in_and_ends_that_when_asked_to() {
    run(async {
        let (site, _folder) = site();
        let person = Person::with_account(&site, "Remembered").await;
        let page = page_of(&site, &person).await;
        page.reload().await;
        connect(&page).await;
        assert_eq!(page.run("client.node").await, Value::from(person.node.as_str()));
        let refused = page
            .run(
                "import('/tim.js').then(async (sdk) => {
                    const api = new sdk.WebApi();
                    await api.signOut();
                    return api.signedIn().then(() => 'still in', (error) => error.status);
                })",
            )
            .await;
        assert_eq!(refused, 401);
        page.close().await;
    });
}

#[test]
fn nothing_is_lost_or_doubled_when_the_server_dies_or_the_network_is_away() {
    run(async {
        let (site, _folder) = site();
        let [a, b] = Person::friends(&site, ["Steady", "Shaky"]).await;
        let (first, second) = (page_of(&site, &a).await, page_of(&site, &b).await);
        for page in [&first, &second] {
            page.complaints().expect_unreachable();
        }
        send(&first, &b, "1").await;
        see(&second, &["1"]).await;
        site.server().kill();
        first.wait_until("the end of the connection", "!online").await;
        send(&first, &b, "2").await;
        site.server().run();
        see(&second, &["1", "2"]).await;

        second.set_offline(true).await;
        second
            .wait_until("the end of the connection", "!online || !navigator.onLine")
            .await;
        send(&first, &b, "3").await;
        send(&second, &a, "4").await;
        second.set_offline(false).await;
        see(&second, &["1", "2", "3"]).await;
        see(&first, &["4"]).await;
        first.close().await;
        second.close().await;
    });
}

#[test]
fn a_page_connects_at_once_when_the_network_comes_back_or_it_is_looked_at() {
    run(async {
        let (site, _folder) = site();
        let person = Person::with_account(&site, "Patient").await;
        let page = page_of(&site, &person).await;
        // Pauses longer than any test waits: nothing but such an event brings the connection back.
        page.run(
            "client.close().then(() => import('/tim.js')).then(async (sdk) => {
                globalThis.client = await sdk.Client.connect({
                    login: new sdk.WebApi(),
                    reconnect: { first: 600_000, shortest: 600_000, longest: 600_000 },
                });
                globalThis.online = client.isOnline;
                client.on('disconnected', () => { globalThis.online = false; });
                client.on('connected', () => { globalThis.online = true; });
            })",
        )
        .await;
        for event in [
            "",
            "window.dispatchEvent(new Event('pageshow'))",
            "document.dispatchEvent(new Event('visibilitychange'))",
        ] {
            page.complaints().expect_unreachable();
            site.server().kill();
            page.wait_until("the end of the connection", "!online").await;
            site.server().run();
            if event.is_empty() {
                page.set_offline(true).await;
                page.set_offline(false).await;
            } else {
                page.run(event).await;
            }
            page.wait_until("the connection", "online").await;
        }
        page.close().await;
    });
}

#[test]
fn a_page_that_stood_still_has_what_arrived_meanwhile_once() {
    run(async {
        let (site, _folder) = site();
        let [a, b] = Person::friends(&site, ["Sleeper", "Writer"]).await;
        let page = page_of(&site, &a).await;
        let sleeper = Node::new(&a.node).unwrap();
        let server = ClientBuilder::new(&site.socket()).unwrap();
        let connect = || server.connect(Credentials::password(&b.name, &b.password));

        // The server is another one when the page goes on: its connection is dead, and it has not seen that yet.
        page.complaints().expect_unreachable();
        page.call("Debugger.enable", json!({})).await;
        page.call("Debugger.pause", json!({})).await;
        let writer = within("a login", connect()).await.unwrap();
        writer.send_text(&sleeper, "before").await.unwrap();
        writer.close().await;
        site.server().kill();
        site.server().run();
        let writer = within("a login", connect()).await.unwrap();
        writer.send_text(&sleeper, "after").await.unwrap();
        page.call("Debugger.resume", json!({})).await;
        page.call("Debugger.disable", json!({})).await;
        see(&page, &["before", "after"]).await;
        // An answer of the server, and whatever it had sent before.
        page.run("client.friends()").await;
        see(&page, &["before", "after"]).await;
        page.close().await;
    });
}
