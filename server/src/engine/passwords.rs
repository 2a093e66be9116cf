//! Password hashes: Argon2id on own threads of low priority behind a bounded queue, so that a
//! storm of logins slows down logins and nothing else.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use parking_lot::Mutex;
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::settings::PasswordSettings;

/// Why a password could not be hashed or checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many checks wait already.
    #[error("too many password checks are waiting")]
    Overloaded,
    /// The stored hash or the parameters are not usable.
    #[error("the stored password hash is damaged")]
    Damaged,
}

enum Job {
    Hash {
        password: Zeroizing<String>,
        reply: oneshot::Sender<Result<String, PasswordError>>,
    },
    Verify {
        password: Zeroizing<String>,
        hash: String,
        reply: oneshot::Sender<Result<bool, PasswordError>>,
    },
}

/// Handle to the hashing threads. Dropping it ends them after the jobs already queued.
pub struct Passwords {
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    /// Hash of a password nobody has: checked for unknown accounts, so that the time of an answer
    /// does not tell whether an account exists.
    decoy: String,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords")
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}

impl Passwords {
    /// Starts the hashing threads.
    ///
    /// # Errors
    /// The parameters are outside what Argon2id allows, or no thread could be started.
    pub fn start(settings: &PasswordSettings) -> Result<Self, String> {
        let params = Params::new(
            settings.memory_kib,
            settings.iterations,
            settings.parallelism,
            None,
        )
        .map_err(|error| format!("password hash parameters: {error}"))?;
        let decoy = decoy(settings);
        let (jobs, queue) = sync_channel(settings.queue.max(1));
        let queue = Arc::new(Mutex::new(queue));
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let count = if settings.threads == 0 {
            (cores / 2).max(1)
        } else {
            settings.threads
        };
        let mut threads = Vec::with_capacity(count);
        for number in 0..count {
            let (queue, params) = (Arc::clone(&queue), params.clone());
            let thread = std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || work(&queue, params))
                .map_err(|error| format!("cannot start a password thread: {error}"))?;
            threads.push(thread);
        }
        Ok(Self {
            jobs: Some(jobs),
            threads,
            decoy,
        })
    }

    /// Hashes a new password with a fresh salt.
    ///
    /// # Errors
    /// [`PasswordError::Overloaded`] at once when the queue is full.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::Hash {
            password: Zeroizing::new(password.to_owned()),
            reply,
        })?;
        answer.await.map_err(|_| PasswordError::Overloaded)?
    }

    /// Checks a password against a stored hash; without a hash it takes as long and fails.
    ///
    /// # Errors
    /// [`PasswordError::Overloaded`] at once when the queue is full; [`PasswordError::Damaged`].
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let (reply, answer) = oneshot::channel();
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        self.enqueue(Job::Verify {
            password: Zeroizing::new(password.to_owned()),
            hash,
            reply,
        })?;
        let matches = answer.await.map_err(|_| PasswordError::Overloaded)??;
        Ok(matches && known)
    }

    fn enqueue(&self, job: Job) -> Result<(), PasswordError> {
        let jobs = self.jobs.as_ref().ok_or(PasswordError::Overloaded)?;
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => PasswordError::Overloaded,
        })
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a password thread panicked");
            }
        }
    }
}

/// A well-formed hash with the configured costs that no password has: salt and hash are
/// arbitrary, so nothing has to be computed for it.
fn decoy(settings: &PasswordSettings) -> String {
    let PasswordSettings {
        memory_kib,
        iterations,
        parallelism,
        ..
    } = settings;
    let (salt, hash) = (
        "bm8gcGVyc29uJ3Mgc2FsdA",
        "bm9ib2R5IGluIHRoZSB3b3JsZCBoYXMgdGhpcyBoYXM",
    );
    format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${hash}")
}

/// Length of a new hash in bytes.
const HASH_BYTES: usize = 32;

/// Computes hashes in memory of its own that is used again and again. Allocating it for every hash
/// made the allocator keep several copies of it.
struct Hasher {
    params: Params,
    memory: Vec<Block>,
}

impl Hasher {
    fn new(params: Params) -> Self {
        Self {
            params,
            memory: Vec::new(),
        }
    }

    fn hash(&mut self, password: &str) -> Result<String, PasswordError> {
        let salt = Salt::generate();
        let mut output = Zeroizing::new([0; HASH_BYTES]);
        self.compute(self.params.clone(), password, &salt, &mut *output)?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: (&self.params).try_into().map_err(|_| PasswordError::Damaged)?,
            salt: Some(salt),
            hash: Some(Output::new(&*output).map_err(|_| PasswordError::Damaged)?),
        };
        Ok(hash.to_string())
    }

    /// Checks a password with the costs that its hash was made with.
    fn verify(&mut self, password: &str, hash: &str) -> Result<bool, PasswordError> {
        let hash = PasswordHash::new(hash).map_err(|_| PasswordError::Damaged)?;
        let is_known =
            hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(Version::V0x13.into());
        let (Some(salt), Some(expected), true) = (&hash.salt, &hash.hash, is_known) else {
            return Err(PasswordError::Damaged);
        };
        let params = Params::try_from(&hash).map_err(|_| PasswordError::Damaged)?;
        let mut output = Zeroizing::new(vec![0; expected.as_bytes().len()]);
        self.compute(params, password, salt, &mut output)?;
        Ok(bool::from(output.ct_eq(expected.as_bytes())))
    }

    fn compute(
        &mut self,
        params: Params,
        password: &str,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), PasswordError> {
        let blocks = params.block_count();
        if self.memory.len() < blocks {
            self.memory = Vec::new();
            self.memory.resize(blocks, Block::default());
        }
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.as_bytes(), salt, output, &mut self.memory[..blocks])
            .map_err(|_| PasswordError::Damaged)
    }
}

fn work(queue: &Mutex<Receiver<Job>>, params: Params) {
    lower_priority();
    let mut hasher = Hasher::new(params);
    loop {
        let job = queue.lock().recv();
        match job {
            Err(_) => return,
            Ok(Job::Hash { reply, .. }) if reply.is_closed() => {}
            Ok(Job::Verify { reply, .. }) if reply.is_closed() => {}
            Ok(Job::Hash { password, reply }) => answer(reply, hasher.hash(&password)),
            Ok(Job::Verify {
                password,
                hash,
                reply,
            }) => answer(reply, hasher.verify(&password, &hash)),
        }
    }
}

fn answer<T>(reply: oneshot::Sender<T>, result: T) {
    if reply.send(result).is_err() {
        tracing::trace!("nobody waits for this password check any more");
    }
}

/// Lets chatting go first on a busy machine. Without the permission nothing changes.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 10) {
        tracing::debug!(%error, "password threads keep normal priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> PasswordSettings {
        PasswordSettings {
            memory_kib: 8,
            iterations: 1,
            parallelism: 1,
            threads: 1,
            queue: 4,
        }
    }

    #[tokio::test]
    async fn a_password_fits_only_its_own_hash() {
        let passwords = Passwords::start(&cheap()).unwrap();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("wrong", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
        assert_eq!(
            passwords.verify("x", Some("damaged")).await,
            Err(PasswordError::Damaged)
        );
    }

    #[tokio::test]
    async fn hashes_made_with_other_costs_still_fit() {
        let hash = Passwords::start(&cheap()).unwrap().hash("secret").await.unwrap();
        let dearer = PasswordSettings {
            memory_kib: 64,
            iterations: 2,
            ..cheap()
        };
        let passwords = Passwords::start(&dearer).unwrap();
        assert!(passwords.verify("secret", Some(&hash)).await.unwrap());
    }

    #[test]
    fn hashes_are_those_of_the_library() {
        use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
        let params = Params::new(64, 2, 1, None).unwrap();
        let library = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let mut own = Hasher::new(params);
        let theirs = library.hash_password(b"secret").unwrap().to_string();
        assert!(own.verify("secret", &theirs).unwrap() && !own.verify("Secret", &theirs).unwrap());
        let ours = own.hash("secret").unwrap();
        let parsed = PasswordHash::new(&ours).unwrap();
        assert!(library.verify_password(b"secret", &parsed).is_ok());
        assert_ne!(ours, own.hash("secret").unwrap(), "salted");
    }

    #[test]
    fn the_decoy_costs_what_a_real_hash_costs() {
        let decoy = decoy(&cheap());
        let parsed = PasswordHash::new(&decoy).unwrap();
        let params = Params::try_from(&parsed).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (8, 1, 1));
        assert_eq!(parsed.hash.unwrap().as_bytes().len(), 32);
    }

    #[test]
    fn impossible_costs_are_refused() {
        assert!(
            Passwords::start(&PasswordSettings {
                memory_kib: 1,
                ..cheap()
            })
            .is_err()
        );
    }
}
