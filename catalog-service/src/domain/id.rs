//! Names of things in the catalog: short, lower-case, safe in a resource name and in a file name.

use thiserror::Error;

/// Most characters of an id.
pub const ID_CHARS_MAX: usize = 64;

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "an id is 1 to {ID_CHARS_MAX} of a-z, 0-9 and \"-\", and neither begins nor ends with \"-\""
)]
pub struct IdError;

/// Whether the text can be an id.
fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= ID_CHARS_MAX
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes the text if it is an id.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if is_id(text) { Ok(Self(text.to_owned())) } else { Err(IdError) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(
    /// A product, as in `products/{product}`.
    ProductId
);
id!(
    /// A family of products, the name of its content folder.
    FamilyId
);
id!(
    /// An offer, as in `offers/{offer}`.
    OfferId
);
id!(
    /// A partner, as in `partners/{partner}`.
    PartnerId
);
id!(
    /// An enrolment of a partner, as in `partners/{partner}/enrolments/{enrolment}`.
    EnrolmentId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_lower_case() {
        for good in ["a", "windows-server-2019-standard", "9", &"x".repeat(ID_CHARS_MAX)] {
            assert!(ProductId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a/b", "a b", "é", &"x".repeat(ID_CHARS_MAX + 1)] {
            assert_eq!(ProductId::parse(bad), Err(IdError), "{bad}");
        }
    }
}
