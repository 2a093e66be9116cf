//! Which square of a picture is shown.

/// Pixels of an edge of the stored picture.
pub const SIDE: u32 = 512;
/// Largest enlargement.
pub const ZOOM_MAX: f64 = 4.0;

/// The part of a picture that is chosen: a square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop {
    width: f64,
    height: f64,
    /// 1: as large a square as there is in the picture.
    zoom: f64,
    /// Middle of the square, in pixels of the picture.
    x: f64,
    y: f64,
}

/// A square of a picture, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Square {
    pub left: f64,
    pub top: f64,
    pub side: f64,
}

impl Crop {
    /// The largest square in the middle of a picture of that size.
    pub fn new(width: u32, height: u32) -> Self {
        let (width, height) = (f64::from(width), f64::from(height));
        Self {
            width,
            height,
            zoom: 1.0,
            x: width / 2.0,
            y: height / 2.0,
        }
    }

    pub fn zoom(self) -> f64 {
        self.zoom
    }

    /// The square to show.
    pub fn square(self) -> Square {
        let side = self.side();
        Square {
            left: self.x - side / 2.0,
            top: self.y - side / 2.0,
            side,
        }
    }

    fn side(self) -> f64 {
        self.width.min(self.height) / self.zoom
    }

    /// Enlarged so much, with the same middle as far as possible.
    pub fn zoomed(mut self, zoom: f64) -> Self {
        self.zoom = zoom.clamp(1.0, ZOOM_MAX);
        self.inside()
    }

    /// Moved by parts of the shown square.
    pub fn moved(mut self, right: f64, down: f64) -> Self {
        let side = self.side();
        self.x += right * side;
        self.y += down * side;
        self.inside()
    }

    fn inside(mut self) -> Self {
        let half = self.side() / 2.0;
        self.x = self.x.clamp(half, (self.width - half).max(half));
        self.y = self.y.clamp(half, (self.height - half).max(half));
        self
    }

    /// Pixels of an edge of the result: small pictures are not blown up.
    pub fn result_side(self) -> u32 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // At most SIDE.
        let side = self.side().round().clamp(1.0, f64::from(SIDE)) as u32;
        side
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_picture_is_chosen_first() {
        let crop = Crop::new(800, 600);
        assert_eq!(
            crop.square(),
            Square {
                left: 100.0,
                top: 0.0,
                side: 600.0
            }
        );
        assert_eq!(crop.result_side(), 512);
        assert_eq!(Crop::new(40, 90).result_side(), 40);
    }

    #[test]
    fn the_square_never_leaves_the_picture() {
        let crop = Crop::new(800, 600).zoomed(2.0).moved(10.0, -10.0);
        assert_eq!(
            crop.square(),
            Square {
                left: 500.0,
                top: 0.0,
                side: 300.0
            }
        );
        let wide_again = crop.zoomed(1.0);
        assert_eq!(
            wide_again.square(),
            Square {
                left: 200.0,
                top: 0.0,
                side: 600.0
            }
        );
        assert_eq!(crop.zoomed(99.0).zoom(), ZOOM_MAX);
        assert_eq!(crop.zoomed(0.1).zoom(), 1.0);
    }
}
