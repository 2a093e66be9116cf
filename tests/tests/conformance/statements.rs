//! The list of statements (`statements.txt`): what a server of this protocol has to do, in this project's words.
//! Nothing here knows how it is tested.

use std::collections::BTreeSet;

const LIST: &str = include_str!("statements.txt");

/// One thing that the server has to do.
#[derive(Debug)]
pub(crate) struct Statement {
    /// Section of the protocol and a number, such as `7.10-kick-2`.
    pub(crate) id: String,
    /// What is required.
    pub(crate) text: String,
    /// Why one encoding is enough for its tests.
    pub(crate) once: Option<String>,
    /// Why sockets cannot show it.
    pub(crate) untestable: Option<String>,
}

/// Statements that belong together.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its title, with the number of the section.
    pub(crate) title: String,
    /// Its statements, in their order.
    pub(crate) statements: Vec<Statement>,
}

/// The list.
///
/// # Panics
/// When it is not written as it should be.
pub(crate) fn sections() -> Vec<Section> {
    parse(LIST)
}

/// A line `= title` begins a section and `id sentence` a statement. Indented lines continue a statement, or say
/// `once:` or `untestable:` and why; after the title `once:` is for the whole section.
fn parse(list: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut once_for_all: Option<String> = None;
    for line in list.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(title) = line.strip_prefix("= ") {
            once_for_all = None;
            sections.push(Section {
                title: title.to_owned(),
                statements: Vec::new(),
            });
            continue;
        }
        let section = sections.last_mut().expect("a section before the first statement");
        let Some(continuation) = line.strip_prefix("  ") else {
            let (id, text) = line.split_once(' ').expect("an id and a sentence");
            section.statements.push(Statement {
                id: id.to_owned(),
                text: text.to_owned(),
                once: once_for_all.clone(),
                untestable: None,
            });
            continue;
        };
        match (section.statements.last_mut(), continuation.split_once(": ")) {
            (None, Some(("once", why))) => once_for_all = Some(why.to_owned()),
            (Some(statement), Some(("once", why))) => statement.once = Some(why.to_owned()),
            (Some(statement), Some(("untestable", why))) => statement.untestable = Some(why.to_owned()),
            (Some(statement), _) => {
                statement.text.push(' ');
                statement.text.push_str(continuation.trim());
            }
            (None, _) => panic!("what does this continue? {line:?}"),
        }
    }
    let mut ids = BTreeSet::new();
    for statement in sections.iter().flat_map(|section| &section.statements) {
        assert!(ids.insert(&statement.id), "{} stands there twice", statement.id);
        assert!(statement.text.ends_with('.'), "{} is no sentence", statement.id);
    }
    sections
}

#[test]
fn a_list_is_read() {
    let list = "= 1 One\n  once: why\n1-1 First.\n1-2 Second\n  goes on.\n  untestable: nobody sees it\n\n= 2 Two\n2-1 Third.\n";
    let sections = parse(list);
    assert_eq!((sections.len(), sections[0].title.as_str()), (2, "1 One"));
    let second = &sections[0].statements[1];
    assert_eq!(
        (second.id.as_str(), second.text.as_str()),
        ("1-2", "Second goes on.")
    );
    assert_eq!(second.once.as_deref(), Some("why"));
    assert_eq!(second.untestable.as_deref(), Some("nobody sees it"));
    assert_eq!(sections[1].statements[0].once, None);
}
