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

/// Makes a password if the data directory has none yet, and answers it.
pub(crate) fn create_if_missing(
    folder: &Path,
    cost: &Passwords,
) -> Result<Option<String>, AdminPasswordError> {
    let path = folder.join(FILE);
    if path.exists() {
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
    write_private(folder, &path, &hash).map_err(|error| AdminPasswordError::File { path, error })?;
    Ok(Some(password))
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

    #[test]
    fn the_password_is_made_once_and_only_its_hash_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cost = Passwords {
            memory_kib: 8,
            iterations: 1,
            ..Passwords::default()
        };
        let password = create_if_missing(folder.path(), &cost).unwrap().unwrap();
        assert_eq!(password.len(), LENGTH);
        assert_eq!(create_if_missing(folder.path(), &cost).unwrap(), None);
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
