//! The three check symbols of keys that we issue: a Reed-Solomon code over 32 symbols.
//!
//! A code word of at most 31 symbols with three check symbols differs from every other one in at
//! least four places, so one, two or three mistyped symbols anywhere, and any two symbols swapped,
//! are always noticed. A checksum of the same length would promise that for one symbol and for
//! neighbours only.

/// Symbols that are appended to the others.
pub(crate) const CHECK_SYMBOLS: usize = 3;

/// The field's polynomial x^5 + x^2 + 1 without its highest term.
const FIELD_REDUCTION: u8 = 0b0_0101;

/// Coefficients of (x - 2)(x - 4)(x - 8) in the field, highest first, without the leading one.
const GENERATOR: [u8; CHECK_SYMBOLS] = [14, 29, 10];

/// The check symbols, each 0 to 31, of symbols that are each 0 to 31.
pub(crate) fn check_symbols(symbols: impl IntoIterator<Item = u8>) -> [u8; CHECK_SYMBOLS] {
    let mut rest = [0_u8; CHECK_SYMBOLS];
    for symbol in symbols {
        let [first, second, third] = rest;
        let [g2, g1, g0] = GENERATOR;
        let feedback = symbol ^ first;
        rest = [
            second ^ multiply(feedback, g2),
            third ^ multiply(feedback, g1),
            multiply(feedback, g0),
        ];
    }
    rest
}

/// The product of two elements of the field of 32.
fn multiply(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b != 0 {
        if b & 1 == 1 {
            product ^= a;
        }
        let carried = a & 0b1_0000 != 0;
        a = (a << 1) & 0b1_1111;
        if carried {
            a ^= FIELD_REDUCTION;
        }
        b >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generator_is_the_product_of_its_three_roots() {
        let mut polynomial = vec![1_u8];
        for root in [2_u8, 4, 8] {
            let mut next = vec![0_u8; polynomial.len() + 1];
            for (place, coefficient) in polynomial.iter().enumerate() {
                next[place] ^= coefficient;
                next[place + 1] ^= multiply(*coefficient, root);
            }
            polynomial = next;
        }
        assert_eq!(polynomial[1..], GENERATOR);
    }

    #[test]
    fn two_generates_the_field() {
        let mut element = 1;
        for power in 1..31 {
            element = multiply(element, 2);
            assert_ne!(element, 1, "2 has order {power}, which is less than 31");
        }
        assert_eq!(multiply(element, 2), 1);
    }
}
