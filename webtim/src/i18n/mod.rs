//! Every text that people read: typed functions per area, in every language.
//!
//! A text is a function: `common::cancel(lang)`, `common::members(lang, 3)`. The macro `texts!` declares it in all
//! languages at once, so that none can be forgotten; texts that carry names and numbers have arguments. Dates, times,
//! numbers and sizes come from [`dates`] and [`numbers`], which ask the browser.

pub mod account;
pub mod chat;
pub mod common;
pub mod dates;
pub mod groups;
pub mod media;
pub mod news;
pub mod numbers;
pub mod order;
pub mod people;

use serde::{Deserialize, Serialize};

/// A language of the user interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Lang {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    Chinese,
}

impl Lang {
    /// All languages, in the order of the choice in the settings.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The BCP 47 tag, for the `lang` attribute of the page.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// What the language calls itself.
    #[must_use]
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }

    /// From a tag such as `zh-Hans-CN` or `en_GB`. `None`: another language.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::Chinese)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::English)
        } else {
            None
        }
    }

    /// The first language of this list of preferences that there are texts in, else English.
    pub fn best<'a>(tags: impl IntoIterator<Item = &'a str>) -> Self {
        tags.into_iter().find_map(Self::from_tag).unwrap_or_default()
    }
}

/// Declares texts in all languages.
///
/// ```ignore
/// texts! {
///     cancel(): "Cancel", "取消";
///     hello(name: &str): "Hello {name}", "你好，{name}";
///     // The first argument counts: one, any other number.
///     members(n: u64): ["{n} member", "{n} members"], "{n} 位成员";
/// }
/// ```
macro_rules! texts {
    ($( $name:ident ( $($arguments:tt)* ) : $english:tt , $chinese:literal ; )*) => {
        $( $crate::i18n::text! { $name ( $($arguments)* ) $english $chinese } )*

        #[cfg(test)]
        pub(crate) const ALL: &[$crate::i18n::coverage::Entry] = &[
            $( (stringify!($name), stringify!($english), $chinese), )*
        ];
    };
}

/// One text: see [`texts`].
macro_rules! text {
    ($name:ident () $english:literal $chinese:literal) => {
        #[doc = $english]
        #[must_use]
        pub fn $name(lang: $crate::i18n::Lang) -> &'static str {
            match lang {
                $crate::i18n::Lang::English => $english,
                $crate::i18n::Lang::Chinese => $chinese,
            }
        }
    };
    ($name:ident ($count:ident : $number:ty $(, $arg:ident : $type:ty)*) [$one:literal, $many:literal] $chinese:literal) => {
        #[doc = $many]
        #[must_use]
        #[allow(unused_variables)] // One language may leave out what another one says.
        pub fn $name(lang: $crate::i18n::Lang, $count: $number $(, $arg: $type)*) -> String {
            match lang {
                $crate::i18n::Lang::English if $count == 1 => {
                    let $count = $crate::i18n::numbers::count(lang, $count);
                    format!($one)
                }
                $crate::i18n::Lang::English => {
                    let $count = $crate::i18n::numbers::count(lang, $count);
                    format!($many)
                }
                $crate::i18n::Lang::Chinese => {
                    let $count = $crate::i18n::numbers::count(lang, $count);
                    format!($chinese)
                }
            }
        }
    };
    ($name:ident ($($arg:ident : $type:ty),+) $english:literal $chinese:literal) => {
        #[doc = $english]
        #[must_use]
        pub fn $name(lang: $crate::i18n::Lang, $($arg: $type),+) -> String {
            match lang {
                $crate::i18n::Lang::English => format!($english),
                $crate::i18n::Lang::Chinese => format!($chinese),
            }
        }
    };
}

pub(crate) use {text, texts};

#[cfg(test)]
pub(crate) mod coverage;
