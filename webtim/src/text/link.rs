//! Links inside text. Only `http`, `https` and `mailto`; a link leads to exactly what is shown.

use super::characters::{is_boundary, is_cjk, is_invisible};
use super::domain;

const MAX_BYTES: usize = 2048;

/// A link that may be shown and followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    text: String,
    address: String,
    network_host: Option<String>,
}

impl Link {
    /// What is shown: the text as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it leads. Starts with `http://`, `https://` or `mailto:`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The host in the form the network uses, when letters in it could be taken for others. It must be shown beside
    /// the link.
    #[must_use]
    pub fn network_host(&self) -> Option<&str> {
        self.network_host.as_deref()
    }

    fn new(text: &str, scheme: &str, host: &str) -> Self {
        Self {
            text: text.to_owned(),
            address: format!("{scheme}{text}"),
            network_host: domain::network_form(host),
        }
    }
}

/// The link at the start of `text`, which comes after the character `before`, and its length in bytes.
pub(super) fn at(text: &str, before: Option<char>) -> Option<(Link, usize)> {
    if !is_boundary(before) {
        return None;
    }
    let found = match text.as_bytes().first()? {
        b'h' | b'H' => web(text),
        b'm' | b'M' if starts_with(text, "mailto:") => mail(&text[7..]).map(|(length, host)| {
            let whole = &text[..7 + length];
            (Link::new(whole, "", host), whole.len())
        }),
        b'w' | b'W' => bare_web(text),
        _ => None,
    };
    found.or_else(|| {
        if matches!(before, Some('@' | '.' | '/' | ':' | '-' | '+' | '=')) {
            return None;
        }
        mail(text).map(|(length, host)| (Link::new(&text[..length], "mailto:", host), length))
    })
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn web(text: &str) -> Option<(Link, usize)> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| starts_with(text, scheme))?;
    let (length, host) = authority_and_path(&text[scheme.len()..])?;
    domain::is_host(host).then_some(())?;
    let length = scheme.len() + length;
    Some((Link::new(&text[..length], "", host), length))
}

fn bare_web(text: &str) -> Option<(Link, usize)> {
    starts_with(text, "www.").then_some(())?;
    let (length, host) = authority_and_path(text)?;
    (domain::is_full_name(host) && host.split('.').count() > 2).then_some(())?;
    Some((Link::new(&text[..length], "https://", host), length))
}

/// Length of host, port, path, query and fragment at the start of `text`, and the host.
fn authority_and_path(text: &str) -> Option<(usize, &str)> {
    let host = &text[..domain::host_length(text)];
    let mut length = host.len();
    let port = text[length..].strip_prefix(':').map_or(0, |rest| {
        rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
    });
    if (1..=5).contains(&port) {
        length += 1 + port;
    }
    // A name or password before the host is there to deceive.
    let rest = &text[length..];
    let ends = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#'))
        .unwrap_or(rest.len());
    if host.is_empty() || rest[..ends].contains('@') {
        return None;
    }
    if rest.starts_with(['/', '?', '#']) {
        let stops = |c: char| {
            c.is_whitespace()
                || is_invisible(c)
                || is_cjk(c)
                || matches!(
                    c,
                    '<' | '>' | '"' | '`' | '|' | '\\' | '^' | '“' | '”' | '‘' | '’' | '«' | '»' | '…'
                )
        };
        let path = rest.find(stops).unwrap_or(rest.len());
        length += without_trailing_punctuation(&rest[..path]);
    }
    (length <= MAX_BYTES).then_some((length, host))
}

/// Punctuation at the end belongs to the sentence, and so does a bracket that was opened before the link.
fn without_trailing_punctuation(path: &str) -> usize {
    let mut path = path;
    while let Some(last) = path.chars().next_back() {
        let cut = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '~' | '_' => true,
            ')' => unbalanced(path, '(', ')'),
            ']' => unbalanced(path, '[', ']'),
            '}' => unbalanced(path, '{', '}'),
            _ => false,
        };
        if !cut {
            break;
        }
        path = &path[..path.len() - last.len_utf8()];
    }
    path.len()
}

fn unbalanced(path: &str, open: char, close: char) -> bool {
    path.matches(close).count() > path.matches(open).count()
}

/// Length of the mail address at the start of `text`, and its host.
fn mail(text: &str) -> Option<(usize, &str)> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let name = text.char_indices().take(65).find(|&(_, c)| !part(c))?.0;
    if name == 0 || text.starts_with('.') || text[..name].ends_with('.') {
        return None;
    }
    let rest = text[name..].strip_prefix('@')?;
    let host = &rest[..domain::host_length(rest)];
    // `a@b.org:22/x` and `a@b@c` are something else.
    let after = rest[host.len()..].chars().next();
    if matches!(after, Some('@' | '/' | '_')) || !domain::is_full_name(host) {
        return None;
    }
    Some((name + 1 + host.len(), host))
}
