//! The form of a product key: normalising, check symbols, issuing; pure.
