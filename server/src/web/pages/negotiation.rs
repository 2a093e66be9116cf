//! What a browser says about the forms it takes and the content it has (RFC 9110, sections 12.5.3 and 13.1.2).

use axum::http::HeaderValue;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
    Plain,
}

impl Coding {
    /// Its name on the wire.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Plain => None,
        }
    }

    /// Tells the forms of one content apart.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gzip",
            Self::Plain => "",
        }
    }
}

/// The first of the offered forms that is taken; the plain one when none is.
pub(super) fn best_coding<'a>(
    accepted: impl IntoIterator<Item = &'a HeaderValue>,
    offered: impl IntoIterator<Item = Coding>,
) -> Coding {
    let lists: Vec<&str> = accepted
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let is_taken = |name: &str| {
        let named = |wanted: &str| {
            let items = lists.iter().flat_map(|list| list.split(','));
            items
                .map(parse)
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, is_taken)| is_taken)
        };
        named(name).or_else(|| named("*")).unwrap_or(false)
    };
    let mut offered = offered.into_iter();
    offered
        .find(|coding| coding.name().is_some_and(is_taken))
        .unwrap_or(Coding::Plain)
}

/// Whether somebody opens an address: browsers name HTML then, and nothing or `*/*` for what a page loads.
pub(super) fn wants_page<'a>(accepted: impl IntoIterator<Item = &'a HeaderValue>) -> bool {
    accepted
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(parse)
        .any(|(name, is_taken)| is_taken && name.eq_ignore_ascii_case("text/html"))
}

/// A name and whether its weight is above 0.
fn parse(item: &str) -> (&str, bool) {
    let mut parts = item.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    let is_nothing = |weight: &str| weight.parse::<f32>().map_or(true, |weight| weight <= 0.0);
    (name, !weight.is_some_and(is_nothing))
}

/// Whether a browser has the content with this tag already.
pub(super) fn is_known<'a>(tags: impl IntoIterator<Item = &'a HeaderValue>, tag: &str) -> bool {
    tags.into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(accepted: &[&'static str]) -> Coding {
        let values: Vec<_> = accepted
            .iter()
            .map(|text| HeaderValue::from_static(text))
            .collect();
        best_coding(&values, [Coding::Brotli, Coding::Gzip, Coding::Plain])
    }

    #[test]
    fn the_smallest_form_that_is_taken_is_sent() {
        assert_eq!(best(&["gzip, deflate, br, zstd"]), Coding::Brotli);
        assert_eq!(best(&["gzip", "BR"]), Coding::Brotli);
        assert_eq!(best(&["gzip;q=0.5, br;q=0"]), Coding::Gzip);
        assert_eq!(best(&["*"]), Coding::Brotli);
        assert_eq!(best(&["*;q=0.1, br;q=0.0"]), Coding::Gzip);
        assert_eq!(best(&["br;q=x, gzip; q=1"]), Coding::Gzip);
        for plain in [&[][..], &[""], &["identity"], &["brotli, xgzip"], &["*;q=0"]] {
            assert_eq!(best(plain), Coding::Plain, "{plain:?}");
        }
    }

    #[test]
    fn a_known_tag_is_found_in_a_list() {
        let known = |list: &'static str| is_known(&[HeaderValue::from_static(list)], "\"a-br\"");
        assert!(known("\"a-br\"") && known("\"x\", W/\"a-br\"") && known("*"));
        assert!(!known("\"a\"") && !known("a-br") && !known(""));
    }
}
