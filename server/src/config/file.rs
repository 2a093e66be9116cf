//! Takes a TOML document apart into settings, keeping the line of each.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ConfigError, KEYS, Key, RawValue, SECTIONS, Source, find};

/// One setting of a file.
pub(super) struct Entry {
    pub(super) key: &'static Key,
    pub(super) source: Source,
    pub(super) value: RawValue,
}

/// All settings of a file, in the order of their names.
pub(super) fn entries(path: &Path, text: &str) -> Result<Vec<Entry>, ConfigError> {
    let place = |offset: usize| Source::File {
        path: path.to_owned(),
        line: line_of(text, offset),
    };
    let document = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let mut entries = Vec::new();
    for (section, table) in document.get_ref() {
        let section_place = place(section.span().start);
        if !SECTIONS
            .iter()
            .any(|known| known.name == section.get_ref().as_ref())
        {
            return Err(unknown(
                section_place,
                section.get_ref(),
                SECTIONS.iter().map(|known| known.name),
            ));
        }
        let DeValue::Table(table) = table.get_ref() else {
            return Err(ConfigError::Unknown {
                place: section_place,
                name: section.get_ref().to_string(),
                similar: Some(format!("[{}]", section.get_ref())),
            });
        };
        for (name, value) in table {
            let place = place(name.span().start);
            let Some(key) = find(section.get_ref(), name.get_ref()) else {
                let known = KEYS
                    .iter()
                    .filter(|key| key.section == section.get_ref().as_ref());
                return Err(unknown(place, name.get_ref(), known.map(|key| key.name)));
            };
            let value = raw(value).ok_or_else(|| ConfigError::Value {
                place: place.clone(),
                key,
                value: text.get(value.span()).unwrap_or_default().to_owned(),
                reason: "a table or a date is not allowed here".to_owned(),
            })?;
            entries.push(Entry {
                key,
                source: place,
                value,
            });
        }
    }
    Ok(entries)
}

fn raw(value: &Spanned<DeValue<'_>>) -> Option<RawValue> {
    if let DeValue::Array(items) = value.get_ref() {
        return items
            .iter()
            .map(word)
            .collect::<Option<Vec<_>>>()
            .map(RawValue::Many);
    }
    word(value).map(RawValue::One)
}

fn word(value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn unknown<'a>(place: Source, name: &str, known: impl Iterator<Item = &'a str>) -> ConfigError {
    let similar = known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate.to_owned());
    ConfigError::Unknown {
        place,
        name: name.to_owned(),
        similar,
    }
}

/// Edit distance of two names, for suggestions.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
