//! The master key: the one secret the operator keeps. It wraps the data keys and the installation
//! key and touches nothing else. It comes from a file, an environment variable or a command.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::Secret;

/// Longest text that is read as a key, in bytes.
const TEXT_LIMIT: u64 = 4096;
/// How long a key command may run.
const COMMAND_TIME: Duration = Duration::from_secs(30);
const NONCE: usize = 12;

/// Why a key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file does not exist.
    #[error("there is no master key file {}; restore it from your backup", .0.display())]
    Missing(PathBuf),
    /// The key file exists already.
    #[error("the master key file {} exists already", .0.display())]
    Exists(PathBuf),
    /// Others than the owner can read or write the key file.
    #[error("{} is accessible to other users (mode {mode:03o}); run: chmod 600 {}", path.display(), path.display())]
    Permissions {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file could not be read or written.
    #[error("cannot {action} {}: {error}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The key file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set")]
    Variable(String),
    /// The key command failed.
    #[error("the key command {command:?} failed: {reason}")]
    Command {
        /// Its first word.
        command: String,
        /// What went wrong. Never its output.
        reason: String,
    },
    /// The text is not a key.
    #[error("{0} does not hold a key: 32 bytes as 64 hexadecimal digits or as base64 are expected")]
    Malformed(String),
    /// The key could be guessed.
    #[error("the master key is known or trivial ({0}); make one with: openssl rand -hex 32")]
    Weak(&'static str),
    /// The key does not fit what it should unwrap.
    #[error("the master key is not the one this database was made with")]
    Wrong,
    /// The operating system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

/// The key that wraps all others.
#[derive(Clone, Debug)]
pub struct MasterKey(Secret);

impl MasterKey {
    /// Takes over 32 bytes; known and trivial values are refused.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let key = Self(Secret::from_bytes(bytes));
        match weakness(key.0.as_bytes()) {
            Some(reason) => Err(KeyError::Weak(reason)),
            None => Ok(key),
        }
    }

    /// Makes a new random key.
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self(Secret::generate()?))
    }

    /// Reads the text form: 64 hexadecimal digits, or base64 with or without padding. `origin`
    /// names the source in errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let malformed = || KeyError::Malformed(origin.to_owned());
        let bytes = Zeroizing::new(if text.len() == 64 {
            decode_hex(text).ok_or_else(malformed)?
        } else {
            [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
                .iter()
                .find_map(|engine| engine.decode(text).ok())
                .ok_or_else(malformed)?
        });
        let bytes: Zeroizing<[u8; 32]> =
            Zeroizing::new(bytes.as_slice().try_into().map_err(|_| malformed())?);
        Self::from_bytes(*bytes)
    }

    /// The text form, 64 hexadecimal digits.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = String::with_capacity(64);
        for byte in self.0.as_bytes() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        Zeroizing::new(text)
    }

    /// Encrypts a secret; `purpose` must be named again to unwrap it.
    pub fn wrap(&self, purpose: &str, secret: &Secret) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE];
        SysRng
            .try_fill_bytes(&mut nonce)
            .map_err(|error| KeyError::Random(error.to_string()))?;
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: purpose.as_bytes(),
        };
        let sealed = self
            .cipher()
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| KeyError::Wrong)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts a wrapped secret. `Wrong` when this is another key or the text was changed.
    pub fn unwrap(&self, purpose: &str, wrapped: &[u8]) -> Result<Secret, KeyError> {
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE>().ok_or(KeyError::Wrong)?;
        let payload = Payload {
            msg: sealed,
            aad: purpose.as_bytes(),
        };
        let plain = self
            .cipher()
            .decrypt(&Nonce::from(*nonce), payload)
            .map_err(|_| KeyError::Wrong)?;
        let plain = Zeroizing::new(plain);
        let mut secret = Zeroizing::new([0; 32]);
        if plain.len() != secret.len() {
            return Err(KeyError::Wrong);
        }
        secret.copy_from_slice(&plain);
        Ok(Secret::from_bytes(*secret))
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.0.derive(&[b"tim master wrap"]).as_bytes().into())
    }
}

/// Recognises keys that nobody drew at random. A random key is refused with a probability below
/// 2^-60.
fn weakness(key: &[u8; 32]) -> Option<&'static str> {
    let step = key[1].wrapping_sub(key[0]);
    if key.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step) {
        return Some(if step == 0 {
            "one byte repeated"
        } else {
            "an arithmetic sequence"
        });
    }
    // Covers the default mask of tim 2, the bytes 10 00 00 00 00 00 00 00, and its like.
    if (2..=16).any(|period| key.iter().zip(&key[period..]).all(|(a, b)| a == b)) {
        return Some("a repeated pattern");
    }
    if key.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Some("typed text");
    }
    let mut seen = [false; 256];
    key.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    (seen.iter().filter(|seen| **seen).count() < 12).then_some("few different bytes")
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks(2) {
        let [high, low] = pair else { return None };
        let value = char::from(*high).to_digit(16)? << 4 | char::from(*low).to_digit(16)?;
        bytes.push(u8::try_from(value).ok()?);
    }
    Some(bytes)
}

/// Where the master key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKeySource {
    /// A file that only its owner can access. The only source that can make a key itself.
    File(PathBuf),
    /// An environment variable, usually `TIM_MASTER_KEY`.
    Variable(String),
    /// A program and its arguments; it prints the key on its standard output. No shell is involved.
    Command(Vec<String>),
}

impl MasterKeySource {
    /// Reads the key.
    pub fn load(&self) -> Result<MasterKey, KeyError> {
        match self {
            Self::File(path) => read_file(path),
            Self::Variable(name) => {
                let text = std::env::var(name).map_err(|_| KeyError::Variable(name.clone()))?;
                MasterKey::parse(&Zeroizing::new(text), &format!("the environment variable {name}"))
            }
            Self::Command(words) => run_command(words),
        }
    }

    /// Reads the key, or makes the key file when it does not exist. Only for a new database: a new
    /// key cannot open an existing one.
    pub fn load_or_create(&self) -> Result<MasterKey, KeyError> {
        match (self.load(), self) {
            (Err(KeyError::Missing(_)), Self::File(path)) => {
                let key = MasterKey::generate()?;
                create_file(path, &key)?;
                Ok(key)
            }
            (loaded, _) => loaded,
        }
    }

    /// Begins the replacement of a key file: makes the new key next to it. Answers `None` for
    /// other sources, whose keys the operator replaces.
    pub fn prepare_replacement(&self) -> Result<Option<PendingMasterKey>, KeyError> {
        let Self::File(path) = self else { return Ok(None) };
        let key = MasterKey::generate()?;
        let next = next_path(path);
        create_file(&next, &key)?;
        Ok(Some(PendingMasterKey {
            key,
            next,
            path: path.clone(),
        }))
    }

    /// A replacement that was begun and neither finished nor given up.
    pub fn pending_replacement(&self) -> Result<Option<PendingMasterKey>, KeyError> {
        let Self::File(path) = self else { return Ok(None) };
        let next = next_path(path);
        match read_file(&next) {
            Ok(key) => Ok(Some(PendingMasterKey {
                key,
                next,
                path: path.clone(),
            })),
            Err(KeyError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A new key file that waits beside the present one until the database is wrapped with it.
#[derive(Debug)]
pub struct PendingMasterKey {
    key: MasterKey,
    next: PathBuf,
    path: PathBuf,
}

impl PendingMasterKey {
    /// The new key.
    #[must_use]
    pub fn key(&self) -> &MasterKey {
        &self.key
    }

    /// Puts the new key in the place of the old one.
    pub fn adopt(self) -> Result<MasterKey, KeyError> {
        fs::rename(&self.next, &self.path).map_err(file_error("replace", &self.path))?;
        sync_folder(&self.path)?;
        Ok(self.key)
    }

    /// Deletes the new key.
    pub fn discard(self) -> Result<(), KeyError> {
        fs::remove_file(&self.next).map_err(file_error("delete", &self.next))
    }
}

fn next_path(path: &Path) -> PathBuf {
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    PathBuf::from(next)
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |error| KeyError::File { action, path, error }
}

fn read_file(path: &Path) -> Result<MasterKey, KeyError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(KeyError::Missing(path.to_owned()));
        }
        other => other.map_err(file_error("open", path))?,
    };
    check_permissions(&file, path)?;
    let mut text = Zeroizing::new(String::with_capacity(128));
    file.take(TEXT_LIMIT)
        .read_to_string(&mut text)
        .map_err(file_error("read", path))?;
    MasterKey::parse(&text, &path.display().to_string())
}

#[cfg(unix)]
fn check_permissions(file: &File, path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file
        .metadata()
        .map_err(file_error("inspect", path))?
        .permissions()
        .mode()
        & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Permissions {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_permissions(_: &File, _: &Path) -> Result<(), KeyError> {
    Ok(())
}

/// Writes a key file so that it exists either completely or not at all.
fn create_file(path: &Path, key: &MasterKey) -> Result<(), KeyError> {
    let mut scratch = path.as_os_str().to_owned();
    scratch.push(format!(".{}.new", std::process::id()));
    let scratch = PathBuf::from(scratch);
    let written = write_new(&scratch, key).and_then(|()| match fs::hard_link(&scratch, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(KeyError::Exists(path.to_owned())),
        other => other.map_err(file_error("create", path)),
    });
    let removed = fs::remove_file(&scratch).map_err(file_error("delete", &scratch));
    written.and(removed)?;
    sync_folder(path)
}

fn write_new(path: &Path, key: &MasterKey) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(file_error("create", path))?;
    let text = key.to_text();
    file.write_all(text.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .map_err(file_error("write", path))
}

/// Makes the entry of a file in its folder durable.
fn sync_folder(path: &Path) -> Result<(), KeyError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(file_error("sync", folder))?;
    }
    Ok(())
}

fn run_command(words: &[String]) -> Result<MasterKey, KeyError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(KeyError::Command {
            command: String::new(),
            reason: "no command is configured".to_owned(),
        });
    };
    let failed = |reason: String| KeyError::Command {
        command: program.clone(),
        reason,
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let Some(output) = child.stdout.take() else {
        return Err(failed("it has no output".to_owned()));
    };
    let (sender, receiver) = mpsc::channel();
    // Ends when the child closes its output, at the latest when it is killed.
    let reader = std::thread::spawn(move || {
        let mut text = Zeroizing::new(String::with_capacity(128));
        let read = output.take(TEXT_LIMIT).read_to_string(&mut text).map(|_| text);
        // The receiver has gone when the time was up; nobody needs the key then.
        drop(sender.send(read));
    });
    let Ok(read) = receiver.recv_timeout(COMMAND_TIME) else {
        child
            .kill()
            .and_then(|()| child.wait())
            .map_err(|error| failed(error.to_string()))?;
        return Err(failed(format!(
            "it took longer than {} seconds",
            COMMAND_TIME.as_secs()
        )));
    };
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    drop(reader.join());
    if !status.success() {
        return Err(failed(status.to_string()));
    }
    let text = read.map_err(|error| failed(error.to_string()))?;
    MasterKey::parse(&text, &format!("the output of {program}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "8f1c3a5b7d9e0f2a4c6e8091a3b5c7d9ebfd0e1f2031425364758697a8b9cadb";

    #[test]
    fn hexadecimal_and_base64_name_the_same_key() {
        let key = MasterKey::parse(HEX, "test").unwrap();
        let base64 = STANDARD.encode(key.0.as_bytes());
        assert_eq!(
            MasterKey::parse(&format!(" {base64}\n"), "test")
                .unwrap()
                .to_text(),
            key.to_text()
        );
        assert_eq!(
            MasterKey::parse(base64.trim_end_matches('='), "test")
                .unwrap()
                .to_text(),
            key.to_text()
        );
        assert_eq!(&*key.to_text(), HEX);
    }

    #[test]
    fn text_that_is_no_key_is_refused() {
        for text in ["", "secret", &HEX[1..], &HEX.replace('a', "x"), &"é".repeat(32)] {
            assert!(
                matches!(MasterKey::parse(text, "test"), Err(KeyError::Malformed(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn known_and_trivial_keys_are_refused() {
        let mut mask = [0; 32];
        mask.chunks_mut(8).for_each(|chunk| chunk[0] = 0x10);
        let counting: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let mut one_bit = [0; 32];
        one_bit[31] = 1;
        for key in [
            [0; 32],
            [255; 32],
            [7; 32],
            mask,
            counting,
            one_bit,
            *b"correct horse battery staple 123",
        ] {
            assert!(
                matches!(MasterKey::from_bytes(key), Err(KeyError::Weak(_))),
                "{key:?}"
            );
        }
        for _ in 0..1000 {
            let random = MasterKey::generate().unwrap();
            assert!(weakness(random.0.as_bytes()).is_none());
        }
    }

    #[test]
    fn a_wrapped_secret_opens_only_with_its_key_and_purpose() {
        let key = MasterKey::generate().unwrap();
        let secret = Secret::generate().unwrap();
        let wrapped = key.wrap("data key 1", &secret).unwrap();
        assert_eq!(
            key.unwrap("data key 1", &wrapped).unwrap().as_bytes(),
            secret.as_bytes()
        );
        assert!(matches!(key.unwrap("data key 2", &wrapped), Err(KeyError::Wrong)));
        assert!(matches!(
            MasterKey::generate().unwrap().unwrap("data key 1", &wrapped),
            Err(KeyError::Wrong)
        ));
        assert!(matches!(
            key.unwrap("data key 1", &wrapped[..20]),
            Err(KeyError::Wrong)
        ));
        assert!(matches!(key.unwrap("data key 1", &[]), Err(KeyError::Wrong)));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_is_made_once_private_and_complete() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let source = MasterKeySource::File(path.clone());
        assert!(matches!(source.load(), Err(KeyError::Missing(_))));
        let made = source.load_or_create().unwrap();
        assert_eq!(source.load_or_create().unwrap().to_text(), made.to_text());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no scratch file stays"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let source = MasterKeySource::File(folder.path().join("master.key"));
        source.load_or_create().unwrap();
        for mode in [0o640, 0o604, 0o660, 0o644] {
            fs::set_permissions(folder.path().join("master.key"), fs::Permissions::from_mode(mode)).unwrap();
            assert!(
                matches!(source.load(), Err(KeyError::Permissions { .. })),
                "{mode:o}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_command_gives_the_key_and_its_failure_is_told_without_its_output() {
        let shell = |script: &str| {
            MasterKeySource::Command(vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()]).load()
        };
        assert_eq!(&*shell(&format!("echo {HEX}")).unwrap().to_text(), HEX);
        let failed = shell(&format!("echo {HEX}; exit 3")).unwrap_err().to_string();
        assert!(failed.contains('3') && !failed.contains(HEX), "{failed}");
        assert!(matches!(shell("echo nonsense"), Err(KeyError::Malformed(_))));
        let missing = MasterKeySource::Command(vec!["/nonexistent/program".to_owned()]).load();
        assert!(matches!(missing, Err(KeyError::Command { .. })));
        assert!(matches!(
            MasterKeySource::Command(vec![]).load(),
            Err(KeyError::Command { .. })
        ));
    }

    #[test]
    fn a_replacement_can_be_adopted_or_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let source = MasterKeySource::File(folder.path().join("master.key"));
        let old = source.load_or_create().unwrap();
        source.prepare_replacement().unwrap().unwrap().discard().unwrap();
        assert_eq!(source.load().unwrap().to_text(), old.to_text());
        assert!(source.pending_replacement().unwrap().is_none());
        let next = source.prepare_replacement().unwrap().unwrap();
        assert!(matches!(source.prepare_replacement(), Err(KeyError::Exists(_))));
        let pending = source.pending_replacement().unwrap().unwrap();
        assert_eq!(pending.key().to_text(), next.key().to_text());
        let adopted = pending.adopt().unwrap();
        assert_eq!(source.load().unwrap().to_text(), adopted.to_text());
    }

    #[test]
    fn an_unset_variable_is_named() {
        let missing = MasterKeySource::Variable("TIM_TEST_NOT_SET".to_owned()).load();
        assert!(missing.unwrap_err().to_string().contains("TIM_TEST_NOT_SET"));
    }
}
