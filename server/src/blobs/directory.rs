//! Blobs in a folder. A blob is written beside its place and gets its name when it is whole and on the disk.

use std::fs;
use std::io;
use std::path::Path;

use object_store::local::LocalFileSystem;

pub(super) fn open(folder: &Path) -> io::Result<LocalFileSystem> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let store = LocalFileSystem::new_with_prefix(folder).map_err(io::Error::other)?;
    Ok(store.with_fsync(true))
}

/// Removes the files that have not got their names: those have a `#`, which no name has.
pub(super) fn remove_unfinished(root: &Path) -> io::Result<u64> {
    let mut removed = 0;
    for folder in entries(root)? {
        for file in entries(&folder?.path())? {
            let file = file?;
            if file.file_name().to_string_lossy().contains('#') {
                fs::remove_file(file.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// Entries of a folder; none when it is not there or no folder.
fn entries(folder: &Path) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>>> {
    let found = match fs::read_dir(folder) {
        Ok(entries) => Some(entries),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            None
        }
        Err(error) => return Err(error),
    };
    Ok(found.into_iter().flatten())
}
