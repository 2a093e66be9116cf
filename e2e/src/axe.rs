//! Accessibility: axe-core looks at a page as it is.

use std::path::PathBuf;

use crate::page::Page;
use crate::site::target_directory;

/// axe-core, as `cargo xtask test` installs it.
fn source() -> PathBuf {
    std::env::var_os("TIM_AXE").map_or_else(
        || target_directory().join("axe/node_modules/axe-core/axe.min.js"),
        PathBuf::from,
    )
}

impl Page {
    /// Checks that axe-core finds nothing serious or critical on the screen.
    ///
    /// # Panics
    /// When it does, or is not installed.
    pub async fn assert_accessible(&self, what: &str) {
        let findings = self.accessibility_findings().await;
        assert!(
            findings.is_empty(),
            "{what} is not accessible:\n{}",
            findings.join("\n")
        );
    }

    /// What axe-core finds of impact serious or critical: rule, help, and the elements.
    ///
    /// # Panics
    /// When it is not installed.
    pub async fn accessibility_findings(&self) -> Vec<String> {
        let path = source();
        if self.run("typeof axe").await == "undefined" {
            let code = std::fs::read_to_string(&path).unwrap_or_else(|error| {
                panic!("{}: {error}; `cargo xtask test` installs it", path.display())
            });
            self.run(&format!("{code}; typeof axe")).await;
        }
        let findings = self
            .run(
                "axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations
                    .filter((found) => ['serious', 'critical'].includes(found.impact))
                    .map((found) => `${found.impact} ${found.id}: ${found.help}\\n` + found.nodes.slice(0, 5)
                        .map((node) => `    ${node.html.slice(0, 200)} ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ''}`).join('\\n')))",
            )
            .await;
        let findings = findings.as_array().into_iter().flatten();
        findings
            .filter_map(|finding| finding.as_str().map(str::to_owned))
            .collect()
    }
}
