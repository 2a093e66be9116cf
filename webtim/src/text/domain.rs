//! The host of a link: where it ends, and whether its letters could be taken for others. Names in scripts that have twins
//! of Latin letters are shown together with the form the network uses (RFC 3492), so `раypal.com` is seen to be another.

use super::characters::{is_ideographic, is_invisible};

/// Length in bytes of the host at the start of `text`, 0 if none is there.
pub(super) fn host_length(text: &str) -> usize {
    if let Some(inside) = text.strip_prefix('[') {
        let length = inside
            .find(|c: char| !(c.is_ascii_hexdigit() || c == ':' || c == '.'))
            .unwrap_or(inside.len());
        let closed = inside[length..].starts_with(']') && inside[..length].contains(':');
        return if closed { length + 2 } else { 0 };
    }
    let mut end = 0;
    let mut label_is_ascii = true;
    let mut label_is_empty = true;
    for (at, c) in text.char_indices() {
        if c == '.' {
            if label_is_empty {
                break;
            }
            label_is_empty = true;
            continue;
        }
        let fits = c.is_ascii_alphanumeric() || c == '-' || c == '_' || (!c.is_ascii() && is_letter(c));
        // Chinese text that follows a Latin name directly is not part of it.
        if !fits || (is_ideographic(c) && label_is_ascii && !label_is_empty) {
            break;
        }
        if label_is_empty {
            label_is_ascii = true;
            label_is_empty = false;
        }
        label_is_ascii &= c.is_ascii();
        end = at + c.len_utf8();
    }
    end
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() && !is_invisible(c)
}

/// Whether this can be the host of a link that names its scheme.
pub(super) fn is_host(host: &str) -> bool {
    if host.starts_with('[') {
        return host.len() > 4;
    }
    host.len() <= 253
        && host.split('.').all(|label| {
            !label.is_empty()
                && label.chars().count() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
        && host.chars().any(char::is_alphanumeric)
}

/// Whether this is a full name such as `example.org`, as links without a scheme must have.
pub(super) fn is_full_name(host: &str) -> bool {
    let Some((_, last)) = host.rsplit_once('.') else {
        return false;
    };
    let ending =
        last.chars().count() >= 2 && last.chars().all(char::is_alphabetic) || last.starts_with("xn--");
    ending && is_host(host)
}

/// The form the network uses, when some letter of the host could be taken for another. Chinese, Japanese and Korean
/// names have no such letters unless they are mixed with others.
pub(super) fn network_form(host: &str) -> Option<String> {
    let doubtful = |label: &str| {
        let foreign = label.chars().any(|c| !c.is_ascii() && !is_ideographic(c));
        let mixed = label.chars().any(|c| c.is_ascii_alphabetic()) && label.chars().any(is_ideographic);
        foreign || mixed
    };
    if !host.split('.').any(doubtful) {
        return None;
    }
    let labels: Vec<String> = host.split('.').map(encode_label).collect();
    Some(labels.join("."))
}

fn encode_label(label: &str) -> String {
    let lower = label.to_lowercase();
    if lower.is_ascii() {
        return lower;
    }
    punycode(&lower).map_or(lower, |encoded| format!("xn--{encoded}"))
}

/// RFC 3492, section 6.3. `None` if the label is so long that a number overflows.
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    let mut encoded: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(encoded.len()).ok()?;
    if basic > 0 {
        encoded.push('-');
    }
    let total = u32::try_from(label.chars().count()).ok()?;
    let (mut next, mut delta, mut bias, mut done) = (128_u32, 0_u32, 72_u32, basic);
    while done < total {
        let smallest = label.chars().map(u32::from).filter(|&c| c >= next).min()?;
        delta = delta.checked_add((smallest - next).checked_mul(done + 1)?)?;
        next = smallest;
        for c in label.chars().map(u32::from) {
            if c < next {
                delta = delta.checked_add(1)?;
            }
            if c != next {
                continue;
            }
            let mut rest = delta;
            let mut k = BASE;
            loop {
                let threshold = k.saturating_sub(bias).clamp(1, 26);
                if rest < threshold {
                    break;
                }
                encoded.push(digit(threshold + (rest - threshold) % (BASE - threshold)));
                rest = (rest - threshold) / (BASE - threshold);
                k += BASE;
            }
            encoded.push(digit(rest));
            bias = adapt(delta, done + 1, done == basic);
            delta = 0;
            done += 1;
        }
        delta = delta.checked_add(1)?;
        next += 1;
    }
    Some(encoded)
}

fn digit(value: u32) -> char {
    char::from_digit(if value < 26 { value + 10 } else { value - 26 }, 36).unwrap_or('0')
}

fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_encoded_as_the_standard_says() {
        assert_eq!(encode_label("bücher"), "xn--bcher-kva");
        assert_eq!(encode_label("münchen"), "xn--mnchen-3ya");
        assert_eq!(encode_label("例子"), "xn--fsqu00a");
        assert_eq!(encode_label("пример"), "xn--e1afmkfd");
        assert_eq!(encode_label("Example"), "example");
    }

    #[test]
    fn names_with_letters_that_have_twins_show_the_network_form() {
        assert_eq!(network_form("раypal.com").as_deref(), Some("xn--ypal-43d9g.com"));
        assert_eq!(network_form("аррӏе.com").as_deref(), Some("xn--80ak6aa92e.com"));
        assert_eq!(network_form("例子.中国"), None);
        assert_eq!(
            network_form("paypal中.com").map(|form| form.starts_with("xn--")),
            Some(true)
        );
        assert_eq!(network_form("example.com"), None);
    }

    #[test]
    fn a_host_ends_where_chinese_text_goes_on() {
        let host = |text: &'static str| &text[..host_length(text)];
        assert_eq!(host("example.com看看"), "example.com");
        assert_eq!(host("例子.中国/路"), "例子.中国");
        assert_eq!(host("www.例子.com好"), "www.例子.com");
        assert_eq!(host("example.com。evil.org"), "example.com");
        assert_eq!(host("a..b"), "a");
        assert_eq!(host("[::1]:80"), "[::1]");
        assert_eq!(host("[oops"), "");
    }
}
