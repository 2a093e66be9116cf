//! Blobs in memory, in folders, and in stores that fail.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, UploadPart,
};
use tempfile::TempDir;

use super::cipher::{CHUNK, sealed_size};
use super::*;
use crate::store::Slot;
use crate::store::keys::Secret;

fn id(number: u8) -> FileId {
    FileId::new(Slot::from_hash(5), [number; 18])
}

fn secret() -> Secret {
    Secret::from_bytes([7; 32])
}

fn installation() -> InstallationKey {
    InstallationKey::from_bytes([1; 32])
}

fn content(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

async fn write(blobs: &Blobs, number: u8, content: &[u8]) -> Result<[u8; 32], BlobError> {
    let mut writer = blobs.write(&id(number), &secret(), content.len() as u64);
    // As a socket would give it: in pieces that fit nothing.
    for piece in content.chunks(10_007) {
        if let Err(error) = writer.write(piece).await {
            writer.abort().await;
            return Err(error);
        }
    }
    writer.finish().await
}

async fn read(
    blobs: &Blobs,
    number: u8,
    size: u64,
    part: std::ops::Range<u64>,
) -> Result<Vec<u8>, BlobError> {
    let mut reader = blobs.read(&id(number), &secret(), size, part).await?;
    let mut read = Vec::new();
    while let Some(bytes) = reader.next().await? {
        read.extend_from_slice(&bytes);
    }
    Ok(read)
}

async fn names(blobs: &Blobs) -> Vec<FileId> {
    blobs.list().try_collect().await.unwrap()
}

/// All files below a folder.
fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn in_folder() -> (TempDir, Blobs) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::in_directory(folder.path().join("files"), &installation()).unwrap();
    (folder, blobs)
}

#[tokio::test]
async fn every_part_of_every_size_reads_back_everywhere() {
    let (_folder, local) = in_folder();
    for blobs in [local, Blobs::in_memory(&installation())] {
        // One part, several parts, and sizes at the edges of chunks.
        for size in [0, 1, CHUNK, CHUNK + 1, LOCAL_PART, 3 * LOCAL_PART + 17] {
            let content = content(size);
            let hash = write(&blobs, 1, &content).await.unwrap();
            assert_eq!(
                hash,
                <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(&content))
            );
            let size = size as u64;
            for part in [
                0..size,
                0..size.min(1),
                size / 2..size,
                size.saturating_sub(1)..size,
                size / 3..size / 2,
            ] {
                let range = usize::try_from(part.start).unwrap()..usize::try_from(part.end).unwrap();
                assert_eq!(read(&blobs, 1, size, part).await.unwrap(), content[range]);
            }
        }
    }
}

#[tokio::test]
async fn nothing_of_the_content_can_be_read_in_the_folder() {
    let (folder, blobs) = in_folder();
    let text = b"a secret that nobody else may read ".repeat(10_000);
    write(&blobs, 1, &text).await.unwrap();
    let found = files(folder.path());
    assert_eq!(found.len(), 1);
    let bytes = std::fs::read(&found[0]).unwrap();
    assert_eq!(bytes.len() as u64, sealed_size(text.len() as u64));
    assert!(!bytes.windows(12).any(|window| window == &text[..12]));
    #[cfg(unix)]
    {
        let mode = std::fs::metadata(folder.path().join("files"))
            .unwrap()
            .permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o700);
    }
}

#[tokio::test]
async fn a_blob_that_was_changed_cut_or_exchanged_is_not_given_out() {
    let (folder, blobs) = in_folder();
    let content = content(3 * CHUNK);
    let size = content.len() as u64;
    write(&blobs, 1, &content).await.unwrap();
    let path = files(folder.path()).remove(0);
    let good = std::fs::read(&path).unwrap();
    let mut changed = good.clone();
    changed[CHUNK + 100] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    assert_eq!(read(&blobs, 1, size, 0..size).await, Err(BlobError::Changed));
    let last = 2 * CHUNK as u64..size;
    assert_eq!(
        read(&blobs, 1, size, last).await.unwrap(),
        content[2 * CHUNK..],
        "the other chunks are whole"
    );
    for length in [0, good.len() - 1, good.len() / 3] {
        std::fs::write(&path, &good[..length]).unwrap();
        assert!(
            read(&blobs, 1, size, 0..1).await.is_err(),
            "{length} bytes are left"
        );
    }
    write(&blobs, 2, &content).await.unwrap();
    let other = files(folder.path())
        .into_iter()
        .find(|other| *other != path)
        .unwrap();
    std::fs::copy(&other, &path).unwrap();
    assert_eq!(read(&blobs, 1, size, 0..size).await, Err(BlobError::Changed));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read(&blobs, 1, size, 0..size).await, Err(BlobError::Missing));
}

#[tokio::test]
async fn what_breaks_off_leaves_nothing() {
    let (folder, blobs) = in_folder();
    for size in [100, 2 * LOCAL_PART] {
        let content = content(size);
        let mut writer = blobs.write(&id(1), &secret(), size as u64 + 1);
        writer.write(&content).await.unwrap();
        writer.abort().await;
        let mut writer = blobs.write(&id(1), &secret(), size as u64 + 1);
        writer.write(&content).await.unwrap();
        assert_eq!(writer.finish().await, Err(BlobError::Size), "too short");
        let mut writer = blobs.write(&id(1), &secret(), size as u64 - 1);
        assert_eq!(writer.write(&content).await, Err(BlobError::Size), "too long");
        writer.abort().await;
    }
    assert_eq!(files(folder.path()), [] as [PathBuf; 0]);
    assert_eq!(names(&blobs).await, []);
}

#[tokio::test]
async fn what_a_kill_left_is_removed_and_whole_blobs_stay() {
    let (folder, blobs) = in_folder();
    write(&blobs, 1, b"kept").await.unwrap();
    let kept = files(folder.path()).remove(0);
    let unfinished = format!("{}#1", kept.display());
    std::fs::write(&unfinished, "half").unwrap();
    assert_eq!(blobs.tidy().await.unwrap(), 1);
    assert_eq!(blobs.tidy().await.unwrap(), 0);
    assert_eq!(files(folder.path()), [kept]);
}

#[tokio::test]
async fn blobs_are_listed_and_deleted_by_name_and_strangers_are_left_alone() {
    let (folder, blobs) = in_folder();
    let other =
        Blobs::in_directory(folder.path().join("files"), &InstallationKey::from_bytes([2; 32])).unwrap();
    assert_eq!(names(&blobs).await, []);
    for number in [1, 2] {
        write(&blobs, number, b"content").await.unwrap();
    }
    write(&other, 3, b"content").await.unwrap();
    let of_nobody = files(folder.path()).remove(0).with_file_name("README");
    std::fs::write(&of_nobody, "text").unwrap();
    let mut found = names(&blobs).await;
    found.sort_unstable();
    assert_eq!(found, [id(1), id(2)]);
    blobs.delete(&id(1)).await.unwrap();
    blobs.delete(&id(1)).await.unwrap();
    assert_eq!(names(&blobs).await, [id(2)]);
    assert_eq!(names(&other).await, [id(3)]);
    assert!(of_nobody.exists());
}

/// A store that takes so many parts and then has no space.
#[derive(Debug)]
struct Full {
    inner: InMemory,
    parts: Arc<AtomicUsize>,
    aborted: Arc<AtomicUsize>,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full")
    }
}

fn no_space() -> object_store::Error {
    object_store::Error::Generic {
        store: "Full",
        source: Box::new(io::Error::from(io::ErrorKind::StorageFull)),
    }
}

#[derive(Debug)]
struct FullUpload {
    inner: Box<dyn MultipartUpload>,
    parts: Arc<AtomicUsize>,
    aborted: Arc<AtomicUsize>,
}

#[async_trait]
impl MultipartUpload for FullUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let has_space = self
            .parts
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |parts| parts.checked_sub(1));
        match has_space {
            Ok(_) => self.inner.put_part(data),
            Err(_) => Box::pin(async { Err(no_space()) }),
        }
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        self.inner.complete().await
    }

    async fn abort(&mut self) -> object_store::Result<()> {
        self.aborted.fetch_add(1, Ordering::SeqCst);
        self.inner.abort().await
    }
}

#[async_trait]
impl ObjectStore for Full {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        if self.parts.load(Ordering::SeqCst) == 0 {
            return Err(no_space());
        }
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(FullUpload {
            inner: self.inner.put_multipart_opts(path, options).await?,
            parts: Arc::clone(&self.parts),
            aborted: Arc::clone(&self.aborted),
        }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_full_store_is_told_from_a_failed_one_and_keeps_nothing() {
    for parts in 0..4 {
        let aborted = Arc::new(AtomicUsize::new(0));
        let store = Full {
            inner: InMemory::new(),
            parts: Arc::new(AtomicUsize::new(parts)),
            aborted: Arc::clone(&aborted),
        };
        let blobs = Blobs::new(Arc::new(store), "", LOCAL_PART, &installation());
        // More than that many parts.
        let content = content(5 * LOCAL_PART);
        assert_eq!(write(&blobs, 1, &content).await, Err(BlobError::NoSpace));
        assert_eq!(aborted.load(Ordering::SeqCst), 1);
        assert_eq!(names(&blobs).await, []);
        if parts == 0 {
            assert_eq!(write(&blobs, 1, b"short").await, Err(BlobError::NoSpace));
        }
    }
}

#[test]
fn an_endpoint_without_tls_has_to_be_allowed() {
    let settings = S3Settings {
        endpoint: "http://127.0.0.1:9000".to_owned(),
        bucket: "files".to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "key".to_owned(),
        secret_key: "secret".to_owned(),
        allow_http: true,
        ..S3Settings::default()
    };
    assert!(Blobs::in_s3(&settings, &installation()).is_ok());
    assert!(!format!("{settings:?}").contains("secret"));
}
