//! The pieces of JavaScript that tests run in a page, and how values get into them.

use serde_json::Value;

/// A text as a JavaScript literal.
#[must_use]
pub fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

/// The CSS selector of a target: each word that begins with a letter is a `data-test` name, what follows it up to the
/// next blank narrows it down, and a word that begins otherwise is left as it is. Whatever names `data-test` itself is
/// a selector already.
#[must_use]
pub fn selector(target: &str) -> String {
    if target.contains("data-test") {
        return target.to_owned();
    }
    let mut depth = 0_i32;
    let words = target.split(|c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ' ' && depth == 0
    });
    let words: Vec<String> = words.map(word).collect();
    words.join(" ")
}

fn word(word: &str) -> String {
    let end = word
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .unwrap_or(word.len());
    match word.split_at(end) {
        ("", _) => word.to_owned(),
        (name, rest) => format!("[data-test=\"{name}\"]{rest}"),
    }
}

/// Runs before anything of a page: notes what the content security policy stopped.
pub(crate) const WATCH: &str = r#"
    globalThis.__violations = [];
    addEventListener("securitypolicyviolation", (event) => {
        globalThis.__violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`);
    });
"#;

/// Where to click an element: its middle, once it is on the screen, at rest, enabled and not covered. Else why not.
#[must_use]
pub(crate) fn place(selector: &str) -> String {
    format!(
        r#"(async () => {{
            const found = [...document.querySelectorAll({})].filter((e) => e.getClientRects().length > 0);
            if (found.length === 0) return "is not there";
            const element = found[0];
            if (element.disabled || element.getAttribute("aria-disabled") === "true") return "is disabled";
            element.scrollIntoView({{ block: "nearest", inline: "nearest", behavior: "instant" }});
            const before = element.getBoundingClientRect();
            await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
            const box = element.getBoundingClientRect();
            if (box.x !== before.x || box.y !== before.y || box.width !== before.width) return "moves";
            const x = box.x + box.width / 2, y = box.y + box.height / 2;
            const top = document.elementFromPoint(x, y);
            if (!top || !(element.contains(top) || top.contains(element) || element.labels && [...element.labels].some((l) => l.contains(top))))
                return "is covered by " + (top ? top.outerHTML.slice(0, 120) : "nothing");
            return {{ x, y }};
        }})()"#,
        literal(selector)
    )
}

/// The visible texts of all matching elements.
#[must_use]
pub(crate) fn texts(selector: &str) -> String {
    format!(
        "[...document.querySelectorAll({})].map((e) => e.innerText ?? e.textContent)",
        literal(selector)
    )
}

/// How many matching elements are displayed.
#[must_use]
pub(crate) fn displayed(selector: &str) -> String {
    format!(
        "[...document.querySelectorAll({})].filter((e) => e.getClientRects().length > 0 || e.type === 'file').length",
        literal(selector)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_selectors() {
        assert_eq!(selector("nav-chats"), r#"[data-test="nav-chats"]"#);
        assert_eq!(
            selector(r#"message[data-own="true"] message-menu"#),
            r#"[data-test="message"][data-own="true"] [data-test="message-menu"]"#
        );
        assert_eq!(
            selector("dialog dialog-confirm"),
            r#"[data-test="dialog"] [data-test="dialog-confirm"]"#
        );
        assert_eq!(
            selector(r#"friends [data-name="a b"] open"#),
            r#"[data-test="friends"] [data-name="a b"] [data-test="open"]"#
        );
        assert_eq!(selector(r#"[data-test="x"] input"#), r#"[data-test="x"] input"#);
        assert_eq!(selector(r#"[role="log"]"#), r#"[role="log"]"#);
    }
}
