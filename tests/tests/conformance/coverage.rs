//! Which test shows which statement. Tests say so themselves, in a line `/// Covers: id, id` of their documentation;
//! this module reads the sources of the suites, compares them with the list, and writes `docs/conformance.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::statements::{Section, Statement, sections};

/// Where tests stand, from the root of the repository, and what their names begin with.
const SOURCES: [(&str, &str); 2] = [("tests/tests", ""), ("server/src/gateway/tests", "gateway::")];
/// The table.
const TABLE: &str = "docs/conformance.md";
/// Set by `cargo xtask generate`: the table is written instead of compared.
const GENERATE: &str = "TIM_GENERATE";
/// Begins a line that names statements.
const TAG: &str = "/// Covers: ";
/// The same for a test that goes through both encodings by itself.
const TAG_BOTH: &str = "/// Covers in both encodings: ";

/// How often a test runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Encodings {
    /// As it is written.
    Once,
    /// In compact and in JSON.
    Both,
    /// In both, and with sessions of both together.
    Mixed,
}

#[derive(Clone, Debug)]
struct Tagged {
    /// Suite, module and function.
    name: String,
    ids: Vec<String>,
    encodings: Encodings,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn tagged_tests() -> Vec<Tagged> {
    let root = root();
    let mut tagged = Vec::new();
    for (source, prefix) in SOURCES {
        let folder = root.join(source);
        let mut files = Vec::new();
        rust_files(&folder, &mut files);
        files.sort();
        for file in files {
            let module = file.strip_prefix(&folder).unwrap().with_extension("");
            let parts: Vec<_> = module.iter().map(|part| part.to_string_lossy()).collect();
            let text = std::fs::read_to_string(&file).unwrap();
            tagged.extend(tags(&text, &format!("{prefix}{}", parts.join("::"))));
        }
    }
    tagged
}

/// The functions of a file that name statements.
fn tags(text: &str, module: &str) -> Vec<Tagged> {
    let both = listed(text, "in_both_encodings!(");
    let mixed = listed(text, "in_every_mix!(");
    let mut found = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut goes_through_both = false;
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        let tag = line.strip_prefix(TAG);
        let tag_both = line.strip_prefix(TAG_BOTH);
        goes_through_both |= tag_both.is_some();
        if let Some(list) = tag.or(tag_both) {
            ids.extend(
                list.split(',')
                    .map(|id| id.trim().trim_end_matches('.').to_owned()),
            );
        }
        is_test |= line == "#[tokio::test]" || line == "#[test]";
        let Some(name) = function_name(line) else { continue };
        let encodings = if mixed.contains(name) {
            Encodings::Mixed
        } else if goes_through_both || both.contains(name) {
            Encodings::Both
        } else {
            Encodings::Once
        };
        let runs = is_test || both.contains(name) || mixed.contains(name);
        assert!(
            ids.is_empty() || runs,
            "{module}::{name} names statements but is no test"
        );
        if !ids.is_empty() {
            found.push(Tagged {
                name: format!("{module}::{name}"),
                ids: std::mem::take(&mut ids),
                encodings,
            });
        }
        (goes_through_both, is_test) = (false, false);
    }
    assert!(ids.is_empty(), "{module}: nothing follows the tag {ids:?}");
    found
}

fn function_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
    let rest = line
        .strip_prefix("async fn ")
        .or_else(|| line.strip_prefix("fn "))?;
    rest.split('(').next()
}

/// The names between a macro's name and the end of its list.
fn listed<'a>(text: &'a str, start: &str) -> BTreeSet<&'a str> {
    let lists = text.split(start).skip(1);
    let names = lists.flat_map(|rest| rest.split(')').next().unwrap_or_default().split(','));
    names.map(str::trim).filter(|name| !name.is_empty()).collect()
}

fn by_statement(tests: &[Tagged]) -> BTreeMap<&str, Vec<&Tagged>> {
    let mut covered: BTreeMap<&str, Vec<&Tagged>> = BTreeMap::new();
    for test in tests {
        for id in &test.ids {
            covered.entry(id).or_default().push(test);
        }
    }
    covered
}

fn all(sections: &[Section]) -> impl Iterator<Item = &Statement> {
    sections.iter().flat_map(|section| &section.statements)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn table() -> String {
    let sections = sections();
    let tests = tagged_tests();
    let covered = by_statement(&tests);
    let named: BTreeSet<&str> = tests.iter().map(|test| test.name.as_str()).collect();
    let count = all(&sections).count();
    let untestable = all(&sections).filter(|it| it.untestable.is_some()).count();
    let mut text = format!(
        "# Conformance\n\n\
        <!-- Written by `cargo xtask generate` from tests/tests/conformance/statements.txt and the tests. -->\n\n\
        What a server of the tim 2 client protocol has to do, and which tests of this repository show that this one does \
        it, over real sockets and in raw packets. The numbers are those of the sections of the protocol description; where \
        this project decided something the protocol leaves open, the statement is the project's.\n\n\
        {count} statements, of which sockets cannot show {untestable}; {} tests.\n\n\
        Encodings: *both* runs in compact and in JSON, *mixed* also with sessions of both together, *one* where the \
        encoding does not matter.\n",
        named.len()
    );
    for section in &sections {
        write!(
            text,
            "\n## {}\n\n| | required | shown by | encodings |\n|---|---|---|---|\n",
            section.title
        )
        .unwrap();
        for statement in &section.statements {
            let tests = covered.get(statement.id.as_str()).map_or(&[][..], Vec::as_slice);
            let names: Vec<String> = tests.iter().map(|test| format!("`{}`", test.name)).collect();
            let (shown_by, encodings) =
                match (&statement.untestable, tests.iter().map(|it| it.encodings).max()) {
                    (Some(why), _) => (format!("not over sockets: {}", cell(why)), ""),
                    (None, Some(Encodings::Once)) => (names.join("<br>"), "one"),
                    (None, Some(Encodings::Both)) => (names.join("<br>"), "both"),
                    (None, Some(Encodings::Mixed)) => (names.join("<br>"), "mixed"),
                    (None, None) => ("**nothing yet**".to_owned(), ""),
                };
            let required = cell(&statement.text);
            writeln!(
                text,
                "| {} | {required} | {shown_by} | {encodings} |",
                statement.id
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn every_statement_has_a_test_in_the_encodings_it_needs() {
    let sections = sections();
    let tests = tagged_tests();
    let covered = by_statement(&tests);
    let mut missing = Vec::new();
    for statement in all(&sections) {
        let id = statement.id.as_str();
        let best = covered
            .get(id)
            .and_then(|tests| tests.iter().map(|test| test.encodings).max());
        let is_enough = match best {
            None => statement.untestable.is_some(),
            Some(Encodings::Once) => statement.once.is_some(),
            Some(_) => true,
        };
        if !is_enough {
            missing.push(format!("{id} {best:?}"));
        }
        assert!(
            statement.untestable.is_none() || best.is_none(),
            "{id} is said to be untestable but has a test"
        );
    }
    assert!(
        missing.is_empty(),
        "statements without a test, or with tests in one encoding only:\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_tag_names_a_statement() {
    let sections = sections();
    let known: BTreeSet<&str> = all(&sections).map(|statement| statement.id.as_str()).collect();
    let tests = tagged_tests();
    let unknown: Vec<String> = tests
        .iter()
        .flat_map(|test| test.ids.iter().map(move |id| (test, id)))
        .filter(|(_, id)| !known.contains(id.as_str()))
        .map(|(test, id)| format!("{id} in {}", test.name))
        .collect();
    assert!(
        unknown.is_empty(),
        "tags that name no statement:\n{}",
        unknown.join("\n")
    );
}

#[test]
fn the_table_is_up_to_date() {
    let path = root().join(TABLE);
    let table = table();
    if std::env::var_os(GENERATE).is_some() {
        return std::fs::write(&path, table).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == table,
        "{TABLE} is not what the tests say; run `cargo xtask generate`, or \
         `{GENERATE}=1 cargo test -p tim-tests --test conformance coverage::`"
    );
}

#[test]
fn tags_are_read() {
    let text = [
        "/// What it is about.",
        "/// Covers: 1-1, 1-2",
        "async fn one(encoding: Encoding) {",
        "}",
        "/// Covers: 2-1.",
        "#[tokio::test]",
        "async fn two() {}",
        "fn no_test() {}",
        "/// Covers in both encodings: 3-1",
        "#[tokio::test]",
        "async fn three() {}",
        "in_both_encodings!(",
        "    one,",
        "    other,",
        ");",
    ];
    let found: Vec<_> = tags(&text.join("\n"), "suite::file")
        .into_iter()
        .map(|it| (it.name, it.ids, it.encodings))
        .collect();
    let expected = [
        ("one", vec!["1-1", "1-2"], Encodings::Both),
        ("two", vec!["2-1"], Encodings::Once),
        ("three", vec!["3-1"], Encodings::Both),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(name, ids, encodings)| {
            let ids = ids.into_iter().map(str::to_owned).collect::<Vec<_>>();
            (format!("suite::file::{name}"), ids, encodings)
        })
        .collect();
    assert_eq!(found, expected);
}
