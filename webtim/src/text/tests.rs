use proptest::prelude::*;

use super::{Block, Inline, Names, Rich, Style};

fn parse(text: &str) -> Rich {
    Rich::parse(text, &Names::new(["Ann", "Ann Lee", "小明", "bob"], ["Me"]))
}

/// Addresses of all links.
fn addresses(text: &str) -> Vec<String> {
    parse(text)
        .links()
        .iter()
        .map(|link| link.address().to_owned())
        .collect()
}

/// The pieces of a text of one block in a short notation.
fn shape(text: &str) -> String {
    fn write(pieces: &[Inline], out: &mut String) {
        for piece in pieces {
            match piece {
                Inline::Text(text) => out.push_str(text),
                Inline::Link(link) => out.push_str(&format!("[{}]", link.text())),
                Inline::Mention { text, me } => {
                    out.push_str(&format!("<{text}{}>", if *me { "!" } else { "" }))
                }
                Inline::Code { text, .. } => out.push_str(&format!("c({text})")),
                Inline::Styled { style, pieces, .. } => {
                    out.push_str(match style {
                        Style::Bold => "b(",
                        Style::Italic => "i(",
                        Style::Struck => "s(",
                    });
                    write(pieces, out);
                    out.push(')');
                }
            }
        }
    }
    let mut out = String::new();
    for block in &parse(text).blocks {
        match block {
            Block::Text(pieces) => write(pieces, &mut out),
            Block::Code { language, text, .. } => out.push_str(&format!("C{language}({text})")),
        }
    }
    out
}

#[test]
fn links_end_where_the_sentence_goes_on() {
    for (text, link) in [
        ("see https://example.com/a.", "https://example.com/a"),
        ("(https://example.com/a_(b))", "https://example.com/a_(b)"),
        ("<https://example.com/a?b=c&d#e>", "https://example.com/a?b=c&d#e"),
        ("请看https://example.com/b这个链接", "https://example.com/b"),
        ("https://example.com，好", "https://example.com"),
        ("HTTP://EXAMPLE.com:8080/x!", "HTTP://EXAMPLE.com:8080/x"),
        (
            "https://de.wikipedia.org/wiki/Köln",
            "https://de.wikipedia.org/wiki/Köln",
        ),
        ("http://localhost:5080/", "http://localhost:5080/"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        ("www.example.com/x", "https://www.example.com/x"),
        ("write to ann.b+c@example.org.", "mailto:ann.b+c@example.org"),
        ("mailto:ann@example.org", "mailto:ann@example.org"),
        ("**https://example.com/a**", "https://example.com/a"),
        ("https://例子.中国/a", "https://例子.中国/a"),
    ] {
        assert_eq!(addresses(text), [link], "{text}");
    }
}

#[test]
fn what_only_looks_like_a_link_stays_text() {
    for text in [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "xhttps://example.com",
        "https://",
        "https:///x",
        "https://user:pw@example.com/",
        "https://bank.example@evil.example/",
        "www.example",
        "a@b",
        "@example.org",
        "https://\u{202e}moc.elpmaxe",
    ] {
        assert_eq!(addresses(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_host_that_could_deceive_is_shown_in_the_form_of_the_network() {
    let rich = parse("https://аррӏе.com/login and https://apple.com");
    let hosts: Vec<_> = rich.links().iter().map(|link| link.network_host()).collect();
    assert_eq!(hosts, [Some("xn--80ak6aa92e.com"), None]);
}

#[test]
fn marks_are_emphasis_only_around_words() {
    for (text, expected) in [
        (
            "**bold** and *it* and _it_ and ~~no~~",
            "b(bold) and i(it) and i(it) and s(no)",
        ),
        ("这是**重点**内容", "这是b(重点)内容"),
        ("**a *b* c**", "b(a i(b) c)"),
        ("2*3*4 ** 5", "2*3*4 ** 5"),
        ("snake_case_name __init__", "snake_case_name __init__"),
        ("* item", "* item"),
        ("*open\nclose*", "*open\nclose*"),
        ("****", "****"),
        ("** a **", "** a **"),
        ("a ~ b ~~~x~~~", "a ~ b ~~~x~~~"),
        ("`a*b*` *c*", "c(a*b*) i(c)"),
        ("``a`b``", "c(a`b)"),
        ("`open", "`open"),
        ("*a `x*` b*", "i(a c(x*) b)"),
        ("(*a*), _b_!", "(i(a)), i(b)!"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn fences_make_blocks_of_code() {
    assert_eq!(
        shape("a\n```rust\nlet *x* = 1;\n\n```\nb"),
        "aCrust(let *x* = 1;\n)b"
    );
    assert_eq!(
        shape("```\n@Ann https://example.com\n```"),
        "C(@Ann https://example.com)"
    );
    assert_eq!(shape("```\nnever closed"), "```\nnever closed");
    assert_eq!(shape("```\n```"), "```\n```");
}

#[test]
fn members_are_mentioned_by_their_longest_name() {
    assert_eq!(
        shape("@Ann Lee, @ann! @小明你好 @me"),
        "<@Ann Lee>, <@ann>! <@小明>你好 <@me!>"
    );
    assert_eq!(
        shape("@Anna a@bob.org @nobody"),
        "@Anna a@bob.org @nobody".replace("a@bob.org", "[a@bob.org]")
    );
    assert!(parse("hey **@Me**").mentions_me());
    assert!(!parse("hey @Ann").mentions_me());
}

#[test]
fn deep_nesting_ends() {
    let text = "*a **b ".repeat(2000) + &"c** d* ".repeat(2000);
    assert_eq!(parse(&text).source(), text);
}

/// Texts made of the characters that mean something here, so that they meet often.
fn telling() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "*",
        "**",
        "_",
        "~~",
        "`",
        "```",
        "\n",
        " ",
        "@",
        "Ann",
        "小明",
        "http://",
        "https://",
        "javascript:",
        "www.",
        "mailto:",
        "example.com",
        "例子.中国",
        "/",
        "(",
        ")",
        ".",
        "。",
        "?",
        "#",
        ":",
        "\u{202e}",
        "\u{200d}",
        "😀",
        "a",
        "é",
        "x@y.org",
        "\r",
        "<script>",
        "[::1]",
        "%0a",
        "\\",
        "\"",
        "\u{0}",
    ]);
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn the_pieces_are_the_text(text in prop_oneof![telling(), any::<String>()]) {
        prop_assert_eq!(parse(&text).source(), text);
    }

    #[test]
    fn every_link_is_safe_and_leads_where_it_says(text in telling()) {
        for link in parse(&text).links() {
            let address = link.address();
            let lower = address.to_ascii_lowercase();
            prop_assert!(["http://", "https://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme)), "{}", address);
            prop_assert!(address.ends_with(link.text()));
            let hidden = |c: char| c.is_control() || c.is_whitespace() || c == '\u{202e}';
            prop_assert!(!address.chars().any(hidden));
        }
    }
}
