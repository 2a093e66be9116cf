//! Names that can be addressed with `@` in a room.

use std::collections::HashSet;

/// Longer names cannot be mentioned.
const MAX_NAME: usize = 64;

/// The names of the members of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    names: HashSet<String>,
    me: HashSet<String>,
    longest: usize,
}

impl Names {
    /// Nobody can be addressed, as in a private chat.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The names of all members, and those of the reader.
    pub fn new<N: Into<String>>(
        members: impl IntoIterator<Item = N>,
        me: impl IntoIterator<Item = N>,
    ) -> Self {
        let folded = |names: &mut dyn Iterator<Item = String>| -> HashSet<String> {
            names
                .map(|name| name.trim().to_lowercase())
                .filter(|name| !name.is_empty())
                .collect()
        };
        let me = folded(&mut me.into_iter().map(Into::into));
        let mut names = folded(&mut members.into_iter().map(Into::into));
        names.extend(me.iter().cloned());
        let longest = names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0)
            .min(MAX_NAME);
        Self { names, me, longest }
    }

    /// The mention at the start of `text`: its length in bytes, and whether it is the reader. The longest name wins.
    pub(super) fn at(&self, text: &str) -> Option<(usize, bool)> {
        let rest = text.strip_prefix('@')?;
        let ends: Vec<usize> = rest
            .char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .take(self.longest)
            .collect();
        ends.into_iter().rev().find_map(|end| {
            let next = rest[end..].chars().next();
            if next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                return None;
            }
            let name = rest[..end].to_lowercase();
            self.names
                .contains(&name)
                .then(|| (1 + end, self.me.contains(&name)))
        })
    }
}
