//! What is remembered between two runs: one file per account, readable by the owner only. A file is replaced
//! as a whole, so that it is never half written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use serde::{Deserialize, Serialize};
use tim_client::Node;

use crate::failure::Failure;

/// Settings of one account.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) aliases: BTreeMap<String, String>,
}

impl Profile {
    /// The node that an alias or a node as typed stands for.
    pub(crate) fn resolve(&self, text: &str) -> Result<Node, Failure> {
        let node = self.aliases.get(text).map_or(text, String::as_str);
        Node::new(node)
            .map_err(|error| Failure::usage(format!("{text}: neither an alias nor a node ({error})")))
    }

    /// How to show a node: by its alias if it has one.
    pub(crate) fn display<'a>(&'a self, node: &'a Node) -> &'a str {
        self.aliases
            .iter()
            .find_map(|(alias, aliased)| (aliased == node.as_str()).then_some(alias.as_str()))
            .unwrap_or(node.as_str())
    }
}

/// The folder with the profiles.
pub(crate) struct Profiles {
    folder: PathBuf,
}

impl Profiles {
    /// The folder of the platform, or the one that `TIM_HOME` names.
    pub(crate) fn locate() -> Result<Self, Failure> {
        let folder = match std::env::var_os("TIM_HOME") {
            Some(home) => PathBuf::from(home),
            None => ProjectDirs::from("", "", "tim")
                .ok_or_else(|| {
                    Failure::usage("no home directory; set TIM_HOME to a folder for the settings")
                })?
                .config_dir()
                .to_owned(),
        };
        Ok(Self { folder })
    }

    /// Reads a profile. `None` when there is none of that name.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Profile>, Failure> {
        let path = self.path(name);
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map(Some)
                .map_err(|error| Failure::usage(format!("{}: {}", path.display(), error.message()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(&path, &error)),
        }
    }

    /// Replaces a profile.
    pub(crate) fn write(&self, name: &str, profile: &Profile) -> Result<(), Failure> {
        let path = self.path(name);
        let text = toml::to_string(profile).map_err(|error| Failure::usage(error.to_string()))?;
        self.replace(&path, &text)
            .map_err(|error| unusable(&path, &error))
    }

    /// The profile that is used when none is named.
    pub(crate) fn current(&self) -> Result<Option<String>, Failure> {
        let path = self.folder.join("current");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|name| !name.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(&path, &error)),
        }
    }

    pub(crate) fn set_current(&self, name: &str) -> Result<(), Failure> {
        let path = self.folder.join("current");
        self.replace(&path, name).map_err(|error| unusable(&path, &error))
    }

    /// File of a profile. Whatever the name is, the file stays in the folder.
    fn path(&self, name: &str) -> PathBuf {
        let mut file = String::new();
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
                file.push(char::from(byte));
            } else {
                file.push_str(&format!("%{byte:02x}"));
            }
        }
        self.folder.join("profiles").join(format!("{file}.toml"))
    }

    fn replace(&self, path: &Path, text: &str) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.folder);
        make_private_folder(folder)?;
        let temporary = path.with_extension(format!("new{}", std::process::id()));
        let written = write_private(&temporary, text).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() && temporary.exists() {
            fs::remove_file(&temporary)?;
        }
        written
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles() -> (tempfile::TempDir, Profiles) {
        let folder = tempfile::tempdir().unwrap();
        let profiles = Profiles {
            folder: folder.path().join("tim"),
        };
        (folder, profiles)
    }

    #[test]
    fn a_profile_is_read_as_it_was_written() {
        let (_folder, profiles) = profiles();
        assert!(profiles.read("a").unwrap().is_none());
        let mut profile = Profile {
            name: Some("ä b".into()),
            ..Profile::default()
        };
        profile.aliases.insert("bob".into(), "QdH6CCms5EU".into());
        profiles.write("a", &profile).unwrap();
        assert!(profiles.read("a").unwrap() == Some(profile));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_a_profile() {
        use std::os::unix::fs::PermissionsExt;

        let (_folder, profiles) = profiles();
        profiles.write("a", &Profile::default()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&profiles.path("a")), 0o600);
        assert_eq!(mode(profiles.path("a").parent().unwrap()), 0o700);
    }

    #[test]
    fn a_hostile_name_stays_inside_the_folder() {
        let (_folder, profiles) = profiles();
        let path = profiles.path("../../etc/passwd");
        assert_eq!(path.parent(), Some(profiles.folder.join("profiles").as_path()));
    }

    #[test]
    fn a_broken_file_is_named() {
        let (_folder, profiles) = profiles();
        profiles.write("a", &Profile::default()).unwrap();
        fs::write(profiles.path("a"), "name = 3").unwrap();
        let error = profiles.read("a").err().unwrap();
        assert!(error.to_string().contains("a.toml"), "{error}");
    }

    #[test]
    fn aliases_stand_for_nodes() {
        let mut profile = Profile::default();
        profile.aliases.insert("bob".into(), "QdH6CCms5EU".into());
        let node = profile.resolve("bob").unwrap();
        assert_eq!(node, "QdH6CCms5EU");
        assert_eq!(profile.display(&node), "bob");
        assert!(profile.resolve("not a node").is_err());
    }
}
