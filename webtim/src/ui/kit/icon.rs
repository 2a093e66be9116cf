//! The icons: drawn on a square of 24 units with a line of 1.75, in the colour of the text around them.

use yew::prelude::*;

macro_rules! icons {
    ($( $name:ident: $line:literal $(, filled $fill:literal)? ; )*) => {
        /// What an icon shows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Glyph { $( $name ),* }

        impl Glyph {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$( Self::$name ),*];

            /// The path of the lines, and that of the filled parts.
            fn paths(self) -> (&'static str, &'static str) {
                match self { $( Self::$name => ($line, concat!($($fill)?)) ),* }
            }
        }
    };
}

icons! {
    // Places.
    Chats: "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5zM8.5 8.5h7M8.5 11.5h4.5";
    Person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.6-3.6 3.6-5.5 7.5-5.5s6.9 1.9 7.5 5.5";
    People: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.5-3.3 3-5 6.5-5s6 1.7 6.5 5M15.5 4.8a3.5 3.5 0 0 1 0 6.4M18 14.9c2 .7 3.2 2.3 3.5 4.6";
    Groups: "M12 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM6 20a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM18 20a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM10.5 10l-3 5M13.5 10l3 5M8.5 17.5h7";
    Settings: "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h9M17 17h3M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM9 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM15 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z";
    Inbox: "M4 13.5l2.6-7.9A2 2 0 0 1 8.5 4.2h7a2 2 0 0 1 1.9 1.4l2.6 7.9v4.3a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM4 13.5h4.5l1.3 2.5h4.4l1.3-2.5H20";

    // Directions.
    Back: "M19 12H5M11 6l-6 6 6 6";
    Forward: "M5 12h14M13 6l6 6-6 6";
    ChevronDown: "M6 9.5l6 6 6-6";
    ChevronUp: "M6 14.5l6-6 6 6";
    ChevronLeft: "M14.5 6l-6 6 6 6";
    ChevronRight: "M9.5 6l6 6-6 6";
    ToBottom: "M12 4v12M6.5 10.5L12 16l5.5-5.5M6 20h12";

    // Actions.
    Pin: "M9 4h6l-.8 6 3.3 3.5h-11L9.8 10zM12 13.5V20.5";
    Add: "M12 5v14M5 12h14";
    Close: "M6 6l12 12M18 6L6 18";
    Check: "M5 12.5l4.5 4.5L19 7";
    DoubleCheck: "M2.5 12.5L7 17l8-9.5M11.5 16.5l.5.5 9.5-9.5";
    Search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.2 16.2L20.5 20.5";
    More: "", filled "M12 7.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM12 13.7a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4zM12 20.2a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4z";
    Edit: "M4 20l1-4.5L16.2 4.3a1.5 1.5 0 0 1 2.1 0l1.4 1.4a1.5 1.5 0 0 1 0 2.1L8.5 19zM14 6.5l3.5 3.5";
    Copy: "M9 10.5A1.5 1.5 0 0 1 10.5 9h8a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 9 18.5zM15 9V5.5A1.5 1.5 0 0 0 13.5 4h-8A1.5 1.5 0 0 0 4 5.5v8A1.5 1.5 0 0 0 5.5 15H9";
    Trash: "M4.5 6.5h15M9 6.5V5a1.5 1.5 0 0 1 1.5-1.5h3A1.5 1.5 0 0 1 15 5v1.5M6.5 6.5l.8 12a2 2 0 0 0 2 1.9h5.4a2 2 0 0 0 2-1.9l.8-12M10.2 10.5v6M13.8 10.5v6";
    Reload: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.3M20 4.5v4.8h-4.8";
    Send: "M4.5 12L3.5 4.5 21 12 3.5 19.5zM4.5 12H12";
    Reply: "M10 6L4 11.5 10 17v-3.5c5 0 8 1.2 10 4.5-.4-5.6-3.6-8.8-10-8.8z";
    Recall: "M9 5L4.5 9.5 9 14M4.5 9.5H14a5.5 5.5 0 0 1 0 11h-3.5";
    Attach: "M19.5 11.5l-7.7 7.6a4.6 4.6 0 0 1-6.5-6.5l8-8a3.1 3.1 0 0 1 4.4 4.4l-8 8a1.5 1.5 0 0 1-2.2-2.2l7-7";
    Download: "M12 4v11M7 10.5l5 5 5-5M4.5 19.5h15";
    Upload: "M12 16V5M7 9.5l5-5 5 5M4.5 19.5h15";
    ZoomIn: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.2 16.2L20.5 20.5M8 11h6M11 8v6";
    ZoomOut: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.2 16.2L20.5 20.5M8 11h6";
    Logout: "M14 4.5H6.5A1.5 1.5 0 0 0 5 6v12a1.5 1.5 0 0 0 1.5 1.5H14M10.5 12H20M16.5 8.5L20 12l-3.5 3.5";
    Link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1";

    // People and groups.
    AddPerson: "M10 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2.5 20c.6-3.6 3.6-5.5 7.5-5.5 1.5 0 2.8.3 4 .8M18.5 14.5v6M15.5 17.5h6";
    RemovePerson: "M10 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2.5 20c.6-3.6 3.6-5.5 7.5-5.5 1.5 0 2.8.3 4 .8M15.5 17.5h6";
    Block: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM6 6l12 12";
    Lock: "M5.5 12.5A1.5 1.5 0 0 1 7 11h10a1.5 1.5 0 0 1 1.5 1.5v6A1.5 1.5 0 0 1 17 20H7a1.5 1.5 0 0 1-1.5-1.5zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 14.5v2";
    Globe: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM3.5 12h17M12 3.5c2.4 2.4 3.6 5.2 3.6 8.5s-1.2 6.1-3.6 8.5M12 3.5C9.6 5.9 8.4 8.7 8.4 12s1.2 6.1 3.6 8.5";
    Crown: "M4 17.5L3 8l5 3.5L12 5l4 6.5L21 8l-1 9.5zM4.5 20.5h15";
    Shield: "M12 3.5l7 2.5v5.5c0 4.3-2.7 7.5-7 9-4.3-1.5-7-4.7-7-9V6zM9 12l2.2 2.2L15.2 10";
    Announcement: "M4 10v4a1 1 0 0 0 1 1h2.5L15 19.5v-15L7.5 9H5a1 1 0 0 0-1 1zM18 9a4 4 0 0 1 0 6M8 15l1 5";
    Mood: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM8.5 14c.8 1.4 2 2.1 3.5 2.1s2.7-.7 3.5-2.1", filled "M9 11.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4zM15 11.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z";
    Camera: "M4 9a1.5 1.5 0 0 1 1.5-1.5h2.3L9.5 5h5l1.7 2.5h2.3A1.5 1.5 0 0 1 20 9v8.5a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5zM12 16a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z";

    // What messages carry.
    Picture: "M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5zM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15 10.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z";
    File: "M13.5 3.5H7A1.5 1.5 0 0 0 5.5 5v14A1.5 1.5 0 0 0 7 20.5h10a1.5 1.5 0 0 0 1.5-1.5V8.5zM13.5 3.5v5h5";
    Microphone: "M12 14.5a3 3 0 0 0 3-3v-5a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3zM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v2.5M9 20.5h6";
    Play: "", filled "M7.5 4.9c0-.8.9-1.3 1.6-.9l10.4 7.1c.6.4.6 1.3 0 1.7L9.1 19.9c-.7.5-1.6 0-1.6-.8z";
    Pause: "", filled "M7 5.5c0-.6.4-1 1-1h1.5c.6 0 1 .4 1 1v13c0 .6-.4 1-1 1H8c-.6 0-1-.4-1-1zM13.5 5.5c0-.6.4-1 1-1H16c.6 0 1 .4 1 1v13c0 .6-.4 1-1 1h-1.5c-.6 0-1-.4-1-1z";
    Stop: "", filled "M6.5 8A1.5 1.5 0 0 1 8 6.5h8A1.5 1.5 0 0 1 17.5 8v8a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 16z";
    Emoji: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM8.3 13.5c0 2.2 1.6 3.7 3.7 3.7s3.7-1.5 3.7-3.7z", filled "M9 10.7a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4zM15 10.7a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z";
    Flame: "M12 20.5c-3.6 0-6-2.4-6-5.7 0-2.6 1.5-4.2 2.8-5.9C10 7.3 11 5.7 11 3.5c3.5 1.7 4.7 4.5 4.5 7.2.8-.4 1.3-1.1 1.5-2 .7 1.5 1 3.5 1 5.1 0 4-2.4 6.7-6 6.7zM12 20.5c-1.5-.6-2.3-1.6-2.3-3s1-2.2 2.3-3.7c1.3 1.5 2.3 2.3 2.3 3.7s-.8 2.4-2.3 3";
    Note: "M6.5 4h11A1.5 1.5 0 0 1 19 5.5v9L13.5 20h-7A1.5 1.5 0 0 1 5 18.5v-13A1.5 1.5 0 0 1 6.5 4zM19 14.5h-5.5V20M8.5 8.5h7M8.5 11.5h4";

    // States.
    Clock: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2";
    Warning: "M12 4.5l8.5 15h-17zM12 10v4.5", filled "M12 17.9a.9.9 0 1 0 0-1.8.9.9 0 0 0 0 1.8z";
    Info: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 11v5.5", filled "M12 8.9a1 1 0 1 0 0-2 1 1 0 0 0 0 2z";
    Eye: "M2.5 12c2.2-4.3 5.4-6.5 9.5-6.5s7.3 2.2 9.5 6.5c-2.2 4.3-5.4 6.5-9.5 6.5S4.7 16.3 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z";
    EyeOff: "M9.5 5.8c.8-.2 1.6-.3 2.5-.3 4.1 0 7.3 2.2 9.5 6.5-.7 1.3-1.5 2.5-2.5 3.4M6.3 7.3C4.7 8.4 3.5 10 2.5 12c2.2 4.3 5.4 6.5 9.5 6.5 1.8 0 3.5-.4 4.9-1.3M9.9 9.9a3 3 0 0 0 4.2 4.2M4 4l16 16";
    Bell: "M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5c.5.6 1.2 1 2 1s1.5-.4 2-1";
    BellOff: "M8 6.5A6 6 0 0 1 18 11v4M16 18H4.5L6 16.5V11c0-.7.1-1.4.3-2M10 20.5c.5.6 1.2 1 2 1s1.5-.4 2-1M4 4l16 16";
    Sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4";
    Moon: "M20 14.2A8.3 8.3 0 0 1 9.8 4 8.3 8.3 0 1 0 20 14.2z";
    Screen: "M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v8a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 14.5zM9 20h6M12 16v4";
    Keyboard: "M3 8a1.5 1.5 0 0 1 1.5-1.5h15A1.5 1.5 0 0 1 21 8v8a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 16zM6.5 10h.01M10 10h.01M13.5 10h.01M17 10h.01M8 14h8";
    Palette: "M12 20.5a8.5 8.5 0 1 1 8.5-8.5c0 2.6-1.8 3.5-3.5 3.5h-2c-1.3 0-2 1-1.6 2.2.4 1.3-.1 2.8-1.4 2.8z", filled "M8 11.7a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4zM12 8.7a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4zM16 11.7a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z";
    Disconnected: "M3 8.5A13.5 13.5 0 0 1 8 6M12.5 5.1c3.2.1 6.1 1.3 8.5 3.4M6 12.5a9 9 0 0 1 4-2.3M15 10.7c1.1.4 2.1 1 3 1.8M9.2 16.2a4.2 4.2 0 0 1 5.6 0M4 4l16 16", filled "M12 20.5a1.3 1.3 0 1 0 0-2.6 1.3 1.3 0 0 0 0 2.6z";
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IconSize {
    Small,
    #[default]
    Normal,
    Large,
}

#[derive(Clone, PartialEq, Properties)]
pub struct IconProps {
    pub glyph: Glyph,
    #[prop_or_default]
    pub size: IconSize,
    /// Only when no text beside it says the same.
    #[prop_or_default]
    pub label: Option<AttrValue>,
}

/// An icon. Without a label it is decoration, which screen readers pass over.
#[component]
pub fn Icon(props: &IconProps) -> Html {
    let (line, fill) = props.glyph.paths();
    let size = match props.size {
        IconSize::Small => Some("icon-small"),
        IconSize::Normal => None,
        IconSize::Large => Some("icon-large"),
    };
    let role = if props.label.is_some() {
        "img"
    } else {
        "presentation"
    };
    html! {
        <svg class={classes!("icon", size)} viewBox="0 0 24 24" {role} focusable="false"
            aria-label={props.label.clone()} aria-hidden={props.label.is_none().then_some("true")}>
            if !line.is_empty() { <path d={line} /> }
            if !fill.is_empty() { <path class="filled" d={fill} /> }
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_draws_something_from_known_commands_only() {
        for glyph in Glyph::ALL {
            let (line, fill) = glyph.paths();
            assert!(!(line.is_empty() && fill.is_empty()), "{glyph:?} is empty");
            for path in [line, fill].into_iter().filter(|path| !path.is_empty()) {
                assert!(path.starts_with('M'), "{glyph:?} does not start at a point");
                let odd = path
                    .chars()
                    .find(|c| !(c.is_ascii_digit() || "MLHVCSAZmlhvcsaz .-".contains(*c)));
                assert_eq!(odd, None, "{glyph:?}");
            }
        }
    }
}
