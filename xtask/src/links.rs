//! Finds links between the documents of the repository that lead nowhere. Only links to files are checked; addresses
//! on the internet come and go without us.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command;
use crate::steps::Outcome;
use crate::workspace::Workspace;

/// Every relative link of every Markdown file that git knows must lead to a file or folder.
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
    let mut broken = Vec::new();
    let mut count = 0_usize;
    for file in files
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
    {
        let path = workspace.root.join(&file);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", file.display()))?;
        let folder = path.parent().unwrap_or(&workspace.root);
        for link in relative_links(&text) {
            count += 1;
            if !leads_somewhere(folder, link) {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    if !broken.is_empty() {
        bail!("links that lead nowhere: {}", broken.join(", "));
    }
    println!("{count} links between documents lead somewhere");
    Ok(Outcome::Passed)
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
    fn a_link_may_name_a_part_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.md"), "").unwrap();
        assert!(leads_somewhere(folder.path(), "a.md#part"));
        assert!(!leads_somewhere(folder.path(), "b.md"));
    }
}
