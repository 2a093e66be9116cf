//! TLS certificates. The server refuses to start when they cannot be used; it never falls back to
//! plain connections and has no built-in key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("tls.{setting}: {}: {reason}. Check the path and that the server may read it", path.display())]
    Read {
        /// Name of the setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system or the PEM reader said.
        reason: String,
    },
    /// A file holds no certificate or no key.
    #[error("tls.{setting}: {}: no {what} in PEM form found in this file", path.display())]
    Empty {
        /// Name of the setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What was expected.
        what: &'static str,
    },
    /// Certificate and key were read but cannot be used together or at all.
    #[error(
        "tls: the certificate {} and the key {} cannot be used: {reason}. \
         The first certificate must be the server's own and belong to the key",
        certificate.display(), key.display()
    )]
    Mismatch {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// The two files of a TLS identity.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Identity {
    /// Reads and checks the files.
    pub(crate) fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = certificates(&self.certificate)?;
        let key = private_key(&self.key)?;
        let mismatch = |reason: rustls::Error| TlsError::Mismatch {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            reason: reason.to_string(),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(mismatch)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(mismatch)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |reason: String| TlsError::Read {
        setting: "certificate",
        path: path.to_owned(),
        reason,
    };
    let chain = CertificateDer::pem_file_iter(path)
        .map_err(|error| unreadable(error.to_string()))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(error.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::Empty {
            setting: "certificate",
            path: path.to_owned(),
            what: "certificate",
        });
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    use rustls_pki_types::pem::Error;
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        Error::NoItemsFound => TlsError::Empty {
            setting: "key",
            path: path.to_owned(),
            what: "private key",
        },
        error => TlsError::Read {
            setting: "key",
            path: path.to_owned(),
            reason: error.to_string(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn identity(folder: &Path) -> Identity {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let identity = Identity {
            certificate: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        };
        fs::write(&identity.certificate, made.cert.pem()).unwrap();
        fs::write(&identity.key, made.signing_key.serialize_pem()).unwrap();
        identity
    }

    #[test]
    fn good_files_are_accepted() {
        let folder = tempfile::tempdir().unwrap();
        assert!(identity(folder.path()).load().is_ok());
    }

    #[test]
    fn errors_name_the_file_and_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let good = identity(folder.path());
        let message = |identity: &Identity| identity.load().unwrap_err().to_string();

        let missing = Identity {
            certificate: folder.path().join("none.pem"),
            ..good.clone()
        };
        assert!(message(&missing).contains("tls.certificate") && message(&missing).contains("none.pem"));
        let swapped = Identity {
            certificate: good.key.clone(),
            key: good.certificate.clone(),
        };
        assert!(
            message(&swapped).contains("no certificate"),
            "{}",
            message(&swapped)
        );
        let no_key = Identity {
            key: good.certificate.clone(),
            ..good.clone()
        };
        assert!(
            message(&no_key).contains("no private key"),
            "{}",
            message(&no_key)
        );

        let other_folder = tempfile::tempdir().unwrap();
        let other = identity(other_folder.path());
        let mixed = Identity {
            key: other.key.clone(),
            ..good.clone()
        };
        assert!(message(&mixed).contains("cannot be used"), "{}", message(&mixed));

        fs::write(
            &good.certificate,
            "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert!(message(&good).contains("cert.pem"), "{}", message(&good));
    }
}
