//! How large a picture is drawn.

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Box2 {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// The largest size of that shape that fits into `most`, without enlarging, but at least so large that one can see and
/// hit it.
#[must_use]
pub fn fit(natural: Box2, most: Box2, least: u32) -> Box2 {
    let (width, height) = (u64::from(natural.width.max(1)), u64::from(natural.height.max(1)));
    let (most_width, most_height) = (u64::from(most.width.max(1)), u64::from(most.height.max(1)));
    // Scale is at most 1, most_width / width and most_height / height.
    let (mut w, mut h) = (width, height);
    if w > most_width {
        (w, h) = (most_width, height * most_width / width);
    }
    if h > most_height {
        (w, h) = (width * most_height / height, most_height);
    }
    let side = |side: u64, most: u32| u32::try_from(side).unwrap_or(most).max(least.min(most));
    Box2 {
        width: side(w, most.width),
        height: side(h, most.height),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_keep_their_shape_inside_the_room() {
        let room = Box2 {
            width: 360,
            height: 320,
        };
        let at = |width, height| fit(Box2 { width, height }, room, 48);
        assert_eq!(
            at(100, 80),
            Box2 {
                width: 100,
                height: 80
            }
        );
        assert_eq!(
            at(3600, 1800),
            Box2 {
                width: 360,
                height: 180
            }
        );
        assert_eq!(
            at(1000, 3200),
            Box2 {
                width: 100,
                height: 320
            }
        );
        assert_eq!(
            at(30_000, 10),
            Box2 {
                width: 360,
                height: 48
            }
        );
        assert_eq!(
            at(1, 1),
            Box2 {
                width: 48,
                height: 48
            }
        );
    }
}
