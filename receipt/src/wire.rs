//! Writing and reading the primitive values of leaves, heads and receipts, with one spelling for
//! each value.

use thiserror::Error;

/// Bytes are not what one of our writers writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// The bytes end before the value does.
    #[error("cut short")]
    CutShort,
    /// The value ends before the bytes do.
    #[error("bytes left over")]
    LeftOver,
    /// Another version wrote it.
    #[error("unknown format version {0}")]
    UnknownFormat(u8),
    /// A number does not fit.
    #[error("a number is too large")]
    NumberTooLarge,
    /// A number is written longer than it needs to be.
    #[error("a number is not written in its shortest form")]
    NumberNotShortest,
    /// A flag is neither 0 nor 1.
    #[error("a flag is neither 0 nor 1")]
    NotAFlag,
    /// A text is longer than its bound.
    #[error("a text is too long")]
    TextTooLong,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    TextNotUtf8,
    /// A list or a block of bytes is longer than its bound.
    #[error("{0} are too many")]
    TooMany(&'static str),
    /// An enumeration has no such number.
    #[error("unknown {0}")]
    UnknownNumber(&'static str),
    /// The values are each well formed and do not fit together.
    #[error("{0}")]
    Inconsistent(&'static str),
}

/// Writes values one after the other.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(format: u8) -> Self {
        Self { bytes: vec![format] }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.byte(u8::from(value));
    }

    pub(crate) fn fixed(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }

    /// LEB128.
    pub(crate) fn number(&mut self, mut value: u64) {
        loop {
            let low = (value & 0x7f) as u8;
            value >>= 7;
            if value == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    /// Zigzag, so that small negative numbers are short too.
    pub(crate) fn signed(&mut self, value: i64) {
        self.number(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    pub(crate) fn block(&mut self, value: &[u8]) {
        self.number(value.len() as u64);
        self.fixed(value);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.block(value.as_bytes());
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn list<T>(
        &mut self,
        values: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.number(values.len() as u64);
        values.for_each(|value| write(self, value));
    }
}

/// Reads values in the order they were written, and takes no other spelling of them.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Takes the format version, which must be `format`.
    pub(crate) fn format(&mut self, format: u8) -> Result<(), Malformed> {
        match self.byte()? {
            found if found == format => Ok(()),
            found => Err(Malformed::UnknownFormat(found)),
        }
    }

    /// Fails if anything is left.
    pub(crate) const fn finish(&self) -> Result<(), Malformed> {
        if self.bytes.is_empty() { Ok(()) } else { Err(Malformed::LeftOver) }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.bytes.split_first().ok_or(Malformed::CutShort)?;
        self.bytes = rest;
        Ok(*first)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::NotAFlag),
        }
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (first, rest) = self.bytes.split_first_chunk().ok_or(Malformed::CutShort)?;
        self.bytes = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                // A last group of zeros says nothing, so without it the number is the same.
                let is_shortest = byte != 0 || shift == 0;
                return if is_shortest { Ok(value) } else { Err(Malformed::NumberNotShortest) };
            }
        }
        Err(Malformed::NumberTooLarge)
    }

    pub(crate) fn number_u32(&mut self) -> Result<u32, Malformed> {
        self.number()?.try_into().map_err(|_| Malformed::NumberTooLarge)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Malformed> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn block(
        &mut self,
        bytes_max: usize,
        error: Malformed,
    ) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| error)?;
        if length > bytes_max {
            return Err(error);
        }
        let (block, rest) = self.bytes.split_at_checked(length).ok_or(Malformed::CutShort)?;
        self.bytes = rest;
        Ok(block)
    }

    pub(crate) fn text(&mut self, bytes_max: usize) -> Result<String, Malformed> {
        let text = self.block(bytes_max, Malformed::TextTooLong)?;
        String::from_utf8(text.to_vec()).map_err(|_| Malformed::TextNotUtf8)
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    pub(crate) fn list<T>(
        &mut self,
        items_max: usize,
        what: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let length = self.number()?;
        if length > items_max as u64 {
            return Err(Malformed::TooMany(what));
        }
        (0..length).map(|_| read(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut w = Writer::default();
            w.number(value);
            let bytes = w.finish();
            assert_eq!(Reader::new(&bytes).number(), Ok(value));
            let (last, rest) = bytes.split_last().unwrap();
            let padded = [rest, &[last | 0x80, 0]].concat();
            // The longest number has no room for another group at all.
            let refused = Reader::new(&padded).number().unwrap_err();
            let wanted = if padded.len() > 10 {
                Malformed::NumberTooLarge
            } else {
                Malformed::NumberNotShortest
            };
            assert_eq!(refused, wanted, "{value}");
        }
        let too_large = [&[0xff; 9][..], &[2]].concat();
        assert_eq!(Reader::new(&too_large).number(), Err(Malformed::NumberTooLarge));
        assert_eq!(Reader::new(&[0x80]).number(), Err(Malformed::CutShort));
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            let mut w = Writer::default();
            w.signed(value);
            assert_eq!(Reader::new(&w.finish()).signed(), Ok(value));
        }
    }

    #[test]
    fn bounds_are_kept_before_anything_is_reserved() {
        let claims_much = [0xff, 0xff, 0xff, 0xff, 0x0f];
        let reader = || Reader::new(&claims_much);
        assert_eq!(reader().text(8), Err(Malformed::TextTooLong));
        assert_eq!(reader().list(8, "x", Reader::byte), Err(Malformed::TooMany("x")));
        assert_eq!(Reader::new(&[2]).flag(), Err(Malformed::NotAFlag));
        assert_eq!(Reader::new(&[1, 0xff]).text(8), Err(Malformed::TextNotUtf8));
    }
}
