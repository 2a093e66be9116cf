//! Dates and times as people write them. Which words and order is the browser's business (`Intl`), and so is the
//! time zone; which of them is fitting is decided here.
//!
//! All instants are milliseconds since the Unix epoch. Outside a browser (in tests) the zone is UTC and the forms are
//! fixed ones.

use super::{Lang, common};

/// A point in time in the zone of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Year.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: i64,
    /// Day of the month, 1 to 31.
    pub day: i64,
    /// Hour, 0 to 23.
    pub hour: i64,
    /// Minute, 0 to 59.
    pub minute: i64,
}

impl LocalTime {
    /// Days since the Unix epoch of this calendar date: the same for all times of one day, one more for the next.
    #[must_use]
    pub fn day_number(self) -> i64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }
}

/// The day that an instant belongs to, for those who group by days.
#[must_use]
pub fn day_of(instant: i64) -> i64 {
    local(instant).day_number()
}

/// Time of day, such as `14:05` or `2:05 PM`.
#[must_use]
pub fn time(lang: Lang, instant: i64) -> String {
    format(lang, Form::Time, instant)
}

/// The line between two days in a chat: today, yesterday, a weekday of the last days, else the date.
#[must_use]
pub fn day(lang: Lang, instant: i64, now: i64) -> String {
    let (then, today) = (local(instant), local(now));
    match today.day_number() - then.day_number() {
        0 => common::today(lang).to_owned(),
        1 => common::yesterday(lang).to_owned(),
        2..=6 => format(lang, Form::Weekday, instant),
        _ if then.year == today.year => format(lang, Form::DayOfYear, instant),
        _ => format(lang, Form::LongDate, instant),
    }
}

/// As short as possible, for a list: the time today, then yesterday, a weekday, a short date.
#[must_use]
pub fn stamp(lang: Lang, instant: i64, now: i64) -> String {
    let (then, today) = (local(instant), local(now));
    match today.day_number() - then.day_number() {
        0 => format(lang, Form::Time, instant),
        1 => common::yesterday(lang).to_owned(),
        2..=6 => format(lang, Form::ShortWeekday, instant),
        _ if then.year == today.year => format(lang, Form::ShortDayOfYear, instant),
        _ => format(lang, Form::ShortDate, instant),
    }
}

/// Day and time, for the one who looks closer.
#[must_use]
pub fn full(lang: Lang, instant: i64) -> String {
    format(lang, Form::Full, instant)
}

/// The date with its year.
#[must_use]
pub fn date(lang: Lang, instant: i64) -> String {
    format(lang, Form::LongDate, instant)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Form {
    Time,
    Weekday,
    ShortWeekday,
    DayOfYear,
    ShortDayOfYear,
    LongDate,
    ShortDate,
    Full,
}

#[cfg(target_arch = "wasm32")]
mod browser {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use js_sys::{Array, Date, Function, Intl, Object, Reflect};
    use wasm_bindgen::{JsCast, JsValue};

    use super::{Form, Lang, LocalTime};

    thread_local! {
        /// Making one takes far longer than using it.
        static FORMATS: RefCell<HashMap<(Lang, Form), Function>> = RefCell::default();
    }

    pub(super) fn local(instant: i64) -> LocalTime {
        let date = date(instant);
        LocalTime {
            year: i64::from(date.get_full_year()),
            month: i64::from(date.get_month()) + 1,
            day: i64::from(date.get_date()),
            hour: i64::from(date.get_hours()),
            minute: i64::from(date.get_minutes()),
        }
    }

    pub(super) fn format(lang: Lang, form: Form, instant: i64) -> String {
        let format = FORMATS.with_borrow_mut(|formats| {
            formats
                .entry((lang, form))
                .or_insert_with(|| Intl::DateTimeFormat::new(&locales(lang), &options(form)).format())
                .clone()
        });
        format
            .call1(&JsValue::UNDEFINED, &date(instant))
            .ok()
            .and_then(|text| text.as_string())
            .unwrap_or_default()
    }

    fn date(instant: i64) -> Date {
        #[allow(clippy::cast_precision_loss)] // Milliseconds fit for 285,000 years.
        Date::new(&JsValue::from_f64(instant as f64))
    }

    /// The person's own variety of the language when the browser knows one: en-GB writes times otherwise than en-US.
    fn locales(lang: Lang) -> Array {
        let preferred = web_sys::window()
            .map(|window| window.navigator().languages())
            .into_iter()
            .flat_map(|languages| languages.to_vec())
            .filter_map(|tag| tag.dyn_ref::<js_sys::JsString>().map(String::from))
            .find(|tag| Lang::from_tag(tag) == Some(lang) && (lang != Lang::Chinese || is_simplified(tag)));
        Array::of1(&JsValue::from_str(preferred.as_deref().unwrap_or(lang.tag())))
    }

    fn is_simplified(tag: &str) -> bool {
        !["TW", "HK", "MO", "Hant"]
            .iter()
            .any(|part| tag.split('-').any(|own| own.eq_ignore_ascii_case(part)))
    }

    fn options(form: Form) -> Object {
        let pairs: &[(&str, &str)] = match form {
            Form::Time => &[("hour", "numeric"), ("minute", "2-digit")],
            Form::Weekday => &[("weekday", "long")],
            Form::ShortWeekday => &[("weekday", "short")],
            Form::DayOfYear => &[("month", "long"), ("day", "numeric")],
            Form::ShortDayOfYear => &[("month", "short"), ("day", "numeric")],
            Form::LongDate => &[("year", "numeric"), ("month", "long"), ("day", "numeric")],
            Form::ShortDate => &[("year", "numeric"), ("month", "numeric"), ("day", "numeric")],
            Form::Full => &[("dateStyle", "long"), ("timeStyle", "medium")],
        };
        let options = Object::new();
        for (name, value) in pairs {
            // Setting a property of a fresh object cannot fail.
            drop(Reflect::set(
                &options,
                &JsValue::from_str(name),
                &JsValue::from_str(value),
            ));
        }
        options
    }
}

#[cfg(target_arch = "wasm32")]
use browser::{format, local};

#[cfg(not(target_arch = "wasm32"))]
mod fixed {
    use super::{Form, Lang, LocalTime};

    pub(super) fn local(instant: i64) -> LocalTime {
        let minutes = instant.div_euclid(60_000);
        let days = minutes.div_euclid(1440) + 719_468;
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        LocalTime {
            year: year_of_era + days.div_euclid(146_097) * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted + 2) / 5 + 1,
            hour: minutes.rem_euclid(1440) / 60,
            minute: minutes.rem_euclid(60),
        }
    }

    pub(super) fn format(lang: Lang, form: Form, instant: i64) -> String {
        let LocalTime {
            year,
            month,
            day,
            hour,
            minute,
        } = local(instant);
        let weekday = (local(instant).day_number() + 4).rem_euclid(7);
        match (form, lang) {
            (Form::Time, _) => format!("{hour:02}:{minute:02}"),
            (Form::Weekday | Form::ShortWeekday, Lang::English) => format!("weekday {weekday}"),
            (Form::Weekday | Form::ShortWeekday, Lang::Chinese) => format!("星期{weekday}"),
            (Form::DayOfYear | Form::ShortDayOfYear, Lang::English) => format!("{month}/{day}"),
            (Form::DayOfYear | Form::ShortDayOfYear, Lang::Chinese) => format!("{month}月{day}日"),
            (Form::LongDate | Form::ShortDate, _) => format!("{year}-{month:02}-{day:02}"),
            (Form::Full, _) => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}"),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
use fixed::{format, local};

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const DAY: i64 = 1440 * MINUTE;
    /// 2026-03-01 00:00 UTC, a Sunday.
    const FIRST_OF_MARCH: i64 = 1_772_323_200_000;

    #[test]
    fn a_day_number_is_the_day_since_the_epoch() {
        for day in [-800_000, -1, 0, 59, 60, 11_016, 20_513, 500_000] {
            let time = local(day * DAY + 17 * MINUTE);
            assert_eq!(
                (time.day_number(), time.hour, time.minute),
                (day, 0, 17),
                "{time:?}"
            );
        }
        let time = local(FIRST_OF_MARCH);
        assert_eq!((time.year, time.month, time.day), (2026, 3, 1));
    }

    #[test]
    fn days_change_at_midnight_and_not_after_24_hours() {
        let now = FIRST_OF_MARCH + MINUTE;
        assert_eq!(day(Lang::English, now, now), "Today");
        assert_eq!(day(Lang::English, now - 2 * MINUTE, now), "Yesterday");
        assert_eq!(day(Lang::Chinese, now - DAY, now), "昨天");
        assert_eq!(day(Lang::Chinese, now - 2 * DAY, now), "星期5");
        assert_eq!(day(Lang::English, now - 7 * DAY, now), "2/22");
        assert_eq!(day(Lang::English, now - 60 * DAY, now), "2025-12-31");
        // A clock that is ahead: a date, not a negative number of days.
        assert_eq!(day(Lang::English, now + 2 * DAY, now), "3/3");
    }

    #[test]
    fn a_stamp_shows_the_time_of_today_only() {
        let now = FIRST_OF_MARCH + 14 * 60 * MINUTE;
        assert_eq!(stamp(Lang::English, now - 5 * MINUTE, now), "13:55");
        assert_eq!(stamp(Lang::English, now - DAY, now), "Yesterday");
        assert_eq!(stamp(Lang::Chinese, now - 10 * DAY, now), "2月19日");
        assert_eq!(stamp(Lang::Chinese, now - 400 * DAY, now), "2025-01-25");
    }
}
