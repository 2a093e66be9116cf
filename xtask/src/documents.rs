//! Checks the documents of the repository: links between them lead somewhere (addresses on the internet come and go
//! without us), and the Rust code that the README shows is part of an example, which the compiler checks.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::command;
use crate::steps::Outcome;
use crate::workspace::Workspace;

/// The documents that people read first; their code has to compile.
const READMES: [&str; 2] = ["README.md", "README.zh-CN.md"];
/// Where that code comes from.
const EXAMPLES: &str = "client-core/examples";

/// Every relative link of every Markdown file that git knows must lead to a file or folder, and every Rust block of the
/// README must be in an example.
pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let mut git = std::process::Command::new("git");
    git.current_dir(&workspace.root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "*.md",
    ]);
    let Ok(files) = command::output(&mut git) else {
        return Ok(Outcome::Skipped("git cannot list the files".to_owned()));
    };
    let mut wrong = Vec::new();
    let mut count = 0_usize;
    for file in files.split('\0').filter(|name| !name.is_empty()) {
        let text = read(&workspace.root.join(file))?;
        let folder = Path::new(file)
            .parent()
            .map_or_else(|| workspace.root.clone(), |f| workspace.root.join(f));
        for link in relative_links(&text) {
            count += 1;
            if !leads_somewhere(&folder, link) {
                wrong.push(format!("{file}: the link to {link} leads nowhere"));
            }
        }
    }
    let examples = examples(&workspace.root.join(EXAMPLES))?;
    for file in READMES {
        for block in rust_blocks(&read(&workspace.root.join(file))?) {
            if !examples.iter().any(|example| example.contains(&block)) {
                let start = block.lines().next().unwrap_or_default();
                wrong.push(format!(
                    "{file}: the code that begins with `{start}` is in no file of {EXAMPLES}"
                ));
            }
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    println!("{count} links between documents lead somewhere; the code of the README is that of an example");
    Ok(Outcome::Passed)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn examples(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| read(&entry?.path())).collect()
}

/// What stands between ```rust and the end of the block.
fn rust_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match (&mut block, line.trim_end()) {
            (None, "```rust") => block = Some(String::new()),
            (Some(_), "```") => blocks.extend(block.take()),
            (Some(code), line) => {
                code.push_str(line);
                code.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

fn leads_somewhere(folder: &Path, link: &str) -> bool {
    let file = link.split(['#', '?']).next().unwrap_or(link);
    folder.join(file).exists()
}

/// The targets of `[text](target)` outside fenced code, without those that have a scheme or point into the same file.
fn relative_links(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines()
        .filter(move |line| {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            !fenced
        })
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target.trim()))
        .filter(|target| !target.is_empty() && !target.starts_with('#') && !target.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_are_found_and_others_left_alone() {
        let text = "See [a](docs/a.md) and [b](../b.md#part), not [c](https://example.org) or [d](#here).\n\
                    ```md\n[e](in/code.md)\n```\n![picture](e.png)";
        let links: Vec<_> = relative_links(text).collect();
        assert_eq!(links, ["docs/a.md", "../b.md#part", "e.png"]);
    }

    #[test]
    fn only_the_rust_code_of_a_document_is_taken() {
        let text = "Text\n```sh\ncargo\n```\n```rust\nfn main() {\n}\n```\nmore\n```rust\nuse x;\n```\n";
        assert_eq!(rust_blocks(text), ["fn main() {\n}\n", "use x;\n"]);
    }

    #[test]
    fn a_link_may_name_a_part_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.md"), "").unwrap();
        assert!(leads_somewhere(folder.path(), "a.md#part"));
        assert!(!leads_somewhere(folder.path(), "b.md"));
    }
}
