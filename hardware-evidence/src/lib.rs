//! Component kinds, normalisation, junk values and the digest recipe of hardware evidence; pure.
