//! Turns the text of a message into pieces that a page can show: links, code, emphasis, mentions. Text from other people is
//! never markup: whatever is not recognised without doubt stays as it was written, and the pieces together are exactly
//! the text ([`Rich::source`]). Nothing here knows about the page.

mod characters;
mod domain;
mod emoji;
mod inline;
mod link;
mod mention;
#[cfg(test)]
mod tests;

pub use self::characters::is_cjk;
pub use self::emoji::{Enlarged, enlarged, starts_emoji};
pub use self::link::Link;
pub use self::mention::Names;

/// The text of a message, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rich {
    /// The blocks, in order. Between two of them is one line break.
    pub blocks: Vec<Block>,
}

/// A part of a text that consists of whole lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Ordinary text. Line breaks are part of the text pieces.
    Text(Vec<Inline>),
    /// A block of code between two fences.
    Code {
        /// The line that opens it, as written.
        open: String,
        /// Name of the language after the fence, or empty.
        language: String,
        /// The lines of code, without the last line break.
        text: String,
        /// The line that closes it, as written.
        close: String,
    },
}

/// A piece inside a block of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inline {
    /// Text as it is.
    Text(String),
    /// A link.
    Link(Link),
    /// A member of the room is addressed.
    Mention {
        /// The text with the `@`.
        text: String,
        /// It is the reader who is addressed.
        me: bool,
    },
    /// Code inside a line.
    Code {
        /// The backticks on each side.
        mark: String,
        /// What is between them.
        text: String,
    },
    /// Emphasised pieces.
    Styled {
        /// How.
        style: Style,
        /// The mark on each side.
        mark: &'static str,
        /// What is between the marks.
        pieces: Vec<Inline>,
    },
}

/// How a piece is emphasised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `**bold**`
    Bold,
    /// `*italic*` or `_italic_`
    Italic,
    /// `~~struck~~`
    Struck,
}

impl Rich {
    /// Takes a text apart. `names` are those that can be mentioned.
    #[must_use]
    pub fn parse(text: &str, names: &Names) -> Self {
        let lines: Vec<&str> = text.split('\n').collect();
        let mut blocks = Vec::new();
        let mut plain = 0;
        let mut at = 0;
        while at < lines.len() {
            match code_block(&lines[at..]) {
                Some((block, used)) => {
                    if plain < at {
                        blocks.push(Block::Text(inline::parse(&lines[plain..at].join("\n"), names)));
                    }
                    blocks.push(block);
                    at += used;
                    plain = at;
                }
                None => at += 1,
            }
        }
        if plain < lines.len() {
            blocks.push(Block::Text(inline::parse(&lines[plain..].join("\n"), names)));
        }
        Self { blocks }
    }

    /// The text again, as it was written.
    #[must_use]
    pub fn source(&self) -> String {
        let blocks: Vec<String> = self.blocks.iter().map(Block::source).collect();
        blocks.join("\n")
    }

    /// Whether the reader is addressed.
    #[must_use]
    pub fn mentions_me(&self) -> bool {
        self.blocks.iter().any(|block| match block {
            Block::Text(pieces) => pieces.iter().any(Inline::mentions_me),
            Block::Code { .. } => false,
        })
    }

    /// All links, in order.
    #[must_use]
    pub fn links(&self) -> Vec<&Link> {
        let mut found = Vec::new();
        for block in &self.blocks {
            if let Block::Text(pieces) = block {
                pieces.iter().for_each(|piece| piece.collect_links(&mut found));
            }
        }
        found
    }
}

impl Block {
    fn source(&self) -> String {
        match self {
            Self::Text(pieces) => pieces.iter().map(Inline::source).collect(),
            Self::Code {
                open, text, close, ..
            } => format!("{open}\n{text}\n{close}"),
        }
    }
}

impl Inline {
    fn source(&self) -> String {
        match self {
            Self::Text(text) | Self::Mention { text, .. } => text.clone(),
            Self::Link(link) => link.text().to_owned(),
            Self::Code { mark, text } => format!("{mark}{text}{mark}"),
            Self::Styled { mark, pieces, .. } => {
                let inner: String = pieces.iter().map(Self::source).collect();
                format!("{mark}{inner}{mark}")
            }
        }
    }

    fn mentions_me(&self) -> bool {
        match self {
            Self::Mention { me, .. } => *me,
            Self::Styled { pieces, .. } => pieces.iter().any(Self::mentions_me),
            Self::Text(_) | Self::Link(_) | Self::Code { .. } => false,
        }
    }

    fn collect_links<'a>(&'a self, found: &mut Vec<&'a Link>) {
        match self {
            Self::Link(link) => found.push(link),
            Self::Styled { pieces, .. } => pieces.iter().for_each(|piece| piece.collect_links(found)),
            Self::Text(_) | Self::Mention { .. } | Self::Code { .. } => {}
        }
    }
}

/// A block of code at the start of `lines`, and how many lines it takes. A fence that is never closed opens nothing.
fn code_block(lines: &[&str]) -> Option<(Block, usize)> {
    let open = *lines.first()?;
    let language = open.strip_prefix("```")?.trim();
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '#' | '.' | '_');
    if language.len() > 24 || !language.chars().all(named) {
        return None;
    }
    let length = lines.iter().skip(1).position(|line| line.trim_end() == "```")?;
    let code = lines.get(1..=length)?;
    if code.iter().all(|line| line.trim().is_empty()) {
        return None;
    }
    let block = Block::Code {
        open: open.to_owned(),
        language: language.to_owned(),
        text: code.join("\n"),
        close: (*lines.get(length + 1)?).to_owned(),
    };
    Some((block, length + 2))
}
