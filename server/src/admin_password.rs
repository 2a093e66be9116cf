//! The administrator's first password: random, shown once, stored as an Argon2id hash.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::config::Passwords;

/// Name of the file in the data directory.
const FILE: &str = "admin-password.hash";
/// 20 characters of 32: 100 bits.
const LENGTH: usize = 20;
/// Letters and digits that nobody confuses.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Why the password could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AdminPasswordError {
    /// The file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// The settings of password hashes are impossible, or there is no randomness.
    #[error("the administrator's password cannot be hashed: {0}")]
    Hash(String),
}

/// A password that is not in force yet. Show it first, then call [`NewAdminPassword::keep`]: a
/// server that ends in between makes another one at its next start, so that there never is a
/// password that nobody has seen.
pub struct NewAdminPassword {
    folder: PathBuf,
    password: String,
    hash: String,
}

impl std::fmt::Debug for NewAdminPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAdminPassword").finish_non_exhaustive()
    }
}

impl NewAdminPassword {
    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Puts the password in force: its hash is stored and no other one is made.
    ///
    /// # Errors
    /// The data directory cannot be written.
    pub fn keep(self) -> Result<(), AdminPasswordError> {
        let path = self.folder.join(FILE);
        write_private(&self.folder, &path, &self.hash)
            .map_err(|error| AdminPasswordError::File { path, error })
    }
}

/// Where the hash is kept.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// Makes a password if the data directory has none yet.
pub(crate) fn make_if_missing(
    folder: &Path,
    cost: &Passwords,
) -> Result<Option<NewAdminPassword>, AdminPasswordError> {
    if folder.join(FILE).exists() {
        return Ok(None);
    }
    let hash_error = |error: &dyn std::fmt::Display| AdminPasswordError::Hash(error.to_string());
    let mut random = [0u8; LENGTH];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut random).map_err(|error| hash_error(&error))?;
    // 32 divides 256, so every character is equally likely.
    let password: String = random
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect();
    let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None)
        .map_err(|error| hash_error(&error))?;
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .map_err(|error| hash_error(&error))?
        .to_string();
    Ok(Some(NewAdminPassword {
        folder: folder.to_owned(),
        password,
        hash,
    }))
}

/// Writes a file that only its owner can read; it appears complete or not at all.
fn write_private(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    let unfinished = folder.join(format!("{FILE}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;
    use argon2::password_hash::phc::PasswordHash;

    use super::*;

    fn cost() -> Passwords {
        Passwords {
            memory_kib: 8,
            iterations: 1,
            ..Passwords::default()
        }
    }

    #[test]
    fn a_password_that_was_not_kept_is_replaced_by_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let first = make_if_missing(folder.path(), &cost()).unwrap().unwrap();
        let second = make_if_missing(folder.path(), &cost()).unwrap().unwrap();
        assert_ne!(first.password(), second.password());
        assert!(!format!("{second:?}").contains(second.password()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_password_is_made_once_and_only_its_hash_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let made = make_if_missing(folder.path(), &cost()).unwrap().unwrap();
        let password = made.password().to_owned();
        assert_eq!(password.len(), LENGTH);
        made.keep().unwrap();
        assert!(make_if_missing(folder.path(), &cost()).unwrap().is_none());
        let stored = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(!stored.contains(&password));
        let hash = PasswordHash::new(stored.trim()).unwrap();
        assert!(
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(folder.path().join(FILE))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
