//! Files: of one byte and of ten megabytes, pictures, voice; what arrives is what was sent.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tim_e2e::{Device, Person, Screen, Site, run};

/// A file with content that does not repeat, and its hash.
fn make(folder: &TempDir, name: &str, size: usize) -> (PathBuf, String) {
    let path = folder.path().join(name);
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    let mut hash = Sha256::new();
    let mut state = size as u64 + 1;
    let mut block = Vec::with_capacity(1 << 16);
    let mut left = size;
    while left > 0 {
        block.clear();
        while block.len() < left.min(1 << 16) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            block.extend_from_slice(&state.to_le_bytes());
        }
        block.truncate(left.min(1 << 16));
        hash.update(&block);
        file.write_all(&block).unwrap();
        left -= block.len();
    }
    file.flush().unwrap();
    (path, hex(&hash.finalize()))
}

fn hash_of(path: &Path) -> String {
    let mut file = std::fs::File::open(path).unwrap();
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        let length = file.read(&mut block).unwrap();
        if length == 0 {
            return hex(&hash.finalize());
        }
        hash.update(&block[..length]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// A small picture: a field of colours.
fn picture(folder: &TempDir, name: &str) -> PathBuf {
    const PNG: &[u8] = include_bytes!("picture.png");
    let path = folder.path().join(name);
    std::fs::write(&path, PNG).unwrap();
    path
}

#[test]
fn files_of_one_byte_and_ten_megabytes_arrive_unchanged() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Sender", "Receiver"]).await;
        let sender = Device::of(site, &a, Screen::DESKTOP).await;
        let receiver = Device::of(site, &b, Screen::DESKTOP).await;
        sender.open_chat(&b.chat()).await;
        receiver.open_chat(&a.chat()).await;
        let folder = tempfile::tempdir().unwrap();
        for (name, size) in [("one byte.bin", 1), ("十兆.bin", 10_000_000)] {
            let (path, hash) = make(&folder, name, size);
            sender.pick("composer-file", &[&path]).await;
            sender.click("preview-send").await;
            receiver.see(&format!(r#"file[data-name="{name}"]"#)).await;
            receiver
                .click(&format!(r#"file[data-name="{name}"] download"#))
                .await;
            let saved = receiver.downloaded(name, size as u64).await;
            assert_eq!(hash_of(&saved), hash);
        }
        sender.close().await;
        receiver.close().await;
    });
}

#[test]
fn a_cancelled_upload_sends_nothing() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Undecided", "Spared"]).await;
        let sender = Device::of(site, &a, Screen::DESKTOP).await;
        let receiver = Device::of(site, &b, Screen::DESKTOP).await;
        sender.open_chat(&b.chat()).await;
        receiver.open_chat(&a.chat()).await;
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = make(&folder, "never.bin", 20_000_000);
        sender.set_speed(200_000).await;
        sender.pick("composer-file", &[&path]).await;
        sender.click("preview-send").await;
        sender.click("upload upload-cancel").await;
        sender.see_no("upload").await;
        sender.set_speed(-1).await;
        sender.send("changed my mind").await;
        receiver.see_message("changed my mind").await;
        receiver.see_no("file").await;
        sender.close().await;
        receiver.close().await;
    });
}

#[test]
fn pictures_are_dropped_and_shown_in_the_conversation_and_large() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Painter", "Visitor"]).await;
        let sender = Device::of(site, &a, Screen::DESKTOP).await;
        let receiver = Device::of(site, &b, Screen::DESKTOP).await;
        sender.open_chat(&b.chat()).await;
        receiver.open_chat(&a.chat()).await;
        let folder = tempfile::tempdir().unwrap();
        sender
            .drop_files("messages", &[&picture(&folder, "still life.png")])
            .await;
        sender.click("preview-send").await;
        receiver.see("picture").await;
        let loaded = "[...document.querySelectorAll('[data-test=picture] img, img[data-test=picture]')].some((i) => i.complete && i.naturalWidth > 0)";
        receiver.wait_until("the picture", loaded).await;
        receiver.click("picture").await;
        receiver.see("viewer").await;
        receiver.press(tim_e2e::page::Key::Escape).await;
        receiver.see_no("viewer").await;
        sender.close().await;
        receiver.close().await;
    });
}

#[test]
fn a_voice_message_is_recorded_and_can_be_played() {
    run(async {
        let site = Site::shared();
        let [a, b] = Person::friends(site, ["Speaker", "Hearer"]).await;
        let sender = Device::of(site, &a, Screen::DESKTOP).await;
        let receiver = Device::of(site, &b, Screen::DESKTOP).await;
        sender.open_chat(&b.chat()).await;
        receiver.open_chat(&a.chat()).await;
        sender.click("composer-voice").await;
        sender.see("voice-send").await;
        // Long enough to be a message: the counter shows it.
        sender.see_text("voice-time", "0:01").await;
        sender.click("voice-send").await;
        receiver.click("voice voice-play").await;
        receiver.see(r#"voice[data-playing="true"]"#).await;
        sender.close().await;
        receiver.close().await;
    });
}
