//! Pieces inside lines. One pass from left to right; a mark counts only where its partner is found on the same line and
//! neither stands inside a word, so `2*3*4` and `snake_case_name` stay as they are.

use super::characters::{is_boundary, is_cjk};
use super::{Inline, Names, Style, link};

/// How deep emphasis goes into emphasis. Also the bound of the recursion.
const MAX_DEPTH: usize = 4;

/// How far, in bytes, the partner of a mark is looked for. Bounds the work on a text made of nothing but marks.
const MAX_REACH: usize = 1000;

const MARKS: [(&str, Style); 4] = [
    ("**", Style::Bold),
    ("~~", Style::Struck),
    ("*", Style::Italic),
    ("_", Style::Italic),
];

/// Takes text apart that is not a block of code.
pub(super) fn parse(text: &str, names: &Names) -> Vec<Inline> {
    let mut pieces = Vec::new();
    collect(text, None, names, MAX_DEPTH, &mut pieces);
    pieces
}

fn collect(text: &str, before: Option<char>, names: &Names, depth: usize, pieces: &mut Vec<Inline>) {
    let mut plain = 0;
    let mut at = 0;
    let mut previous = before;
    while let Some(c) = text[at..].chars().next() {
        match piece_at(text, at, previous, names, depth) {
            Some((piece, length)) => {
                if plain < at {
                    pieces.push(Inline::Text(text[plain..at].to_owned()));
                }
                pieces.push(piece);
                at += length;
                plain = at;
            }
            None => at += unit(&text[at..], c),
        }
        previous = text[..at].chars().next_back();
    }
    if plain < at {
        pieces.push(Inline::Text(text[plain..at].to_owned()));
    }
}

/// Length of what is skipped as a whole: a run of the same mark that turned out to be nothing, or one character.
fn unit(text: &str, c: char) -> usize {
    if matches!(c, '`' | '*' | '_' | '~') {
        run(text, c)
    } else {
        c.len_utf8()
    }
}

fn run(text: &str, c: char) -> usize {
    text.len() - text.trim_start_matches(c).len()
}

fn piece_at(
    text: &str,
    at: usize,
    before: Option<char>,
    names: &Names,
    depth: usize,
) -> Option<(Inline, usize)> {
    let rest = &text[at..];
    match rest.chars().next()? {
        '`' => code(rest),
        '*' | '_' | '~' => styled(rest, before, names, depth),
        '@' if is_boundary(before) => {
            let (length, me) = names.at(rest)?;
            let text = rest[..length].to_owned();
            Some((Inline::Mention { text, me }, length))
        }
        c if c.is_ascii_alphanumeric() => {
            let (link, length) = link::at(rest, before)?;
            Some((Inline::Link(link), length))
        }
        _ => None,
    }
}

/// The rest of the line as far as a partner is looked for, and one character more.
fn reach(text: &str) -> &str {
    let end = text.char_indices().find(|&(at, c)| c == '\n' || at > MAX_REACH);
    end.map_or(text, |(at, _)| &text[..at])
}

fn code(rest: &str) -> Option<(Inline, usize)> {
    let mark = &rest[..run(rest, '`')];
    let line = reach(&rest[mark.len()..]);
    let mut from = 0;
    while let Some(found) = line[from..].find('`') {
        let start = from + found;
        let length = run(&line[start..], '`');
        if length == mark.len() {
            let text = &line[..start];
            if text.trim().is_empty() {
                return None;
            }
            let piece = Inline::Code {
                mark: mark.to_owned(),
                text: text.to_owned(),
            };
            return Some((piece, text.len() + 2 * mark.len()));
        }
        from = start + length;
    }
    None
}

fn styled(rest: &str, before: Option<char>, names: &Names, depth: usize) -> Option<(Inline, usize)> {
    let c = rest.chars().next()?;
    let length = run(rest, c);
    let (mark, style) = MARKS
        .into_iter()
        .find(|(mark, _)| mark.starts_with(c) && mark.len() == length)?;
    if depth == 0 || !is_boundary(before) {
        return None;
    }
    let line = reach(&rest[length..]);
    let inner = &line[..closing(line, c, length)?];
    let mut pieces = Vec::new();
    collect(inner, Some(c), names, depth - 1, &mut pieces);
    Some((Inline::Styled { style, mark, pieces }, inner.len() + 2 * length))
}

/// Where the closing mark stands: a run of the same length, after something that is not a space, at the end of a word.
/// Marks inside code do not count.
fn closing(line: &str, mark: char, length: usize) -> Option<usize> {
    let first = line.chars().next()?;
    if first.is_whitespace() {
        return None;
    }
    let mut at = 0;
    let mut previous = None;
    while let Some(c) = line[at..].chars().next() {
        let mut step = c.len_utf8();
        if c == '`'
            && let Some((_, code)) = code(&line[at..])
        {
            step = code;
        } else if c == mark {
            step = run(&line[at..], mark);
            let after = line[at + step..].chars().next();
            let ends = previous.is_some_and(|p: char| !p.is_whitespace());
            if step == length && ends && (is_boundary(after) || after.is_some_and(is_cjk)) {
                return Some(at);
            }
        }
        at += step;
        previous = line[..at].chars().next_back();
    }
    None
}
