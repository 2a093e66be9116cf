//! Who speaks which encoding in a test with several people.

use tim_tests::Encoding;

/// Encodings of the sessions of a test.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mix {
    /// Everybody speaks compact.
    Compact,
    /// Everybody speaks JSON.
    Json,
    /// Neighbours differ; the first speaks JSON.
    Mixed,
}

impl Mix {
    /// The encoding of session number `index`.
    pub(crate) fn of(self, index: usize) -> Encoding {
        match self {
            Self::Compact => Encoding::Compact,
            Self::Json => Encoding::Json,
            Self::Mixed if index.is_multiple_of(2) => Encoding::Json,
            Self::Mixed => Encoding::Compact,
        }
    }
}

/// Makes three tests of each function `async fn name(mix: Mix)`.
macro_rules! in_every_mix {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn compact() {
                Box::pin(super::$name($crate::mix::Mix::Compact)).await;
            }
            #[tokio::test]
            async fn json() {
                Box::pin(super::$name($crate::mix::Mix::Json)).await;
            }
            #[tokio::test]
            async fn mixed() {
                Box::pin(super::$name($crate::mix::Mix::Mixed)).await;
            }
        }
    )+};
}
pub(crate) use in_every_mix;
