//! Starts webtim in the page that loads it.

fn main() {
    webtim::start();
}
