//! From dmidecode's text to records with named fields, one line after the other.
//!
//! Signs of quotation in front of lines, as in letters, do not matter.
//!
//! Nothing is expected of the text: indentation may be lost, headers missing, lines cut, blank
//! lines doubled. A record begins at its handle, or where the quiet form has no handles at the
//! title that follows a blank line, and what no record is begun for is skipped.

/// Most fields kept of one record; those of interest stand before any list.
const FIELDS_MAX: usize = 128;

/// Most records kept; the largest servers have some hundreds.
const RECORDS_MAX: usize = 16_384;

/// The words that a record's handle begins with.
const HANDLE: [&str; 2] = ["handle", "0x"];

/// The words of the line that old versions have below the handle.
const TYPE: [&str; 2] = ["dmi", "type"];

/// The titles of the types that are looked at, in lower-case, in all versions of dmidecode.
const TITLES: [(&str, u8); 13] = [
    ("bios information", BIOS),
    ("firmware information", BIOS),
    ("platform firmware information", BIOS),
    ("system information", SYSTEM),
    ("base board information", BOARD),
    ("baseboard information", BOARD),
    ("motherboard information", BOARD),
    ("chassis information", CHASSIS),
    ("system enclosure or chassis", CHASSIS),
    ("processor information", PROCESSOR),
    ("memory module information", MEMORY_MODULE),
    ("memory device", MEMORY_DEVICE),
    ("memory array mapped address", MEMORY_RANGE),
];

pub(super) const BIOS: u8 = 0;
pub(super) const SYSTEM: u8 = 1;
pub(super) const BOARD: u8 = 2;
pub(super) const CHASSIS: u8 = 3;
pub(super) const PROCESSOR: u8 = 4;
pub(super) const MEMORY_MODULE: u8 = 6;
pub(super) const MEMORY_DEVICE: u8 = 17;
pub(super) const MEMORY_RANGE: u8 = 19;

/// One structure of the firmware's table.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    /// The SMBIOS type, if it is said.
    kind: Option<u8>,
    fields: Vec<Field<'a>>,
    has_handle: bool,
}

/// A line of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// Whether the text ends in this line, so that half of the value may be missing.
    pub(super) is_cut: bool,
}

/// All records, in the order of the text.
pub(super) fn records(text: &str) -> Vec<Record<'_>> {
    let mut records: Vec<Record<'_>> = Vec::new();
    let mut after_blank = true;
    let line_end = if text.contains('\n') { '\n' } else { '\r' };
    for line in text.split_inclusive(line_end) {
        let is_cut = !line.ends_with(line_end);
        let line = line.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '>');
        if line.is_empty() {
            after_blank = true;
            continue;
        }
        if !line.starts_with('#') && !take(&mut records, line, after_blank, is_cut) {
            break;
        }
        after_blank = false;
    }
    records
}

impl<'a> Record<'a> {
    pub(super) fn is(&self, kind: u8) -> bool {
        self.kind == Some(kind)
    }

    /// The first field with one of the names, whatever their case.
    pub(super) fn field(&self, names: &[&str]) -> Option<Field<'a>> {
        let named = |field: &&Field<'_>| names.iter().any(|name| same_words(name, field.name));
        self.fields.iter().find(named).copied()
    }

    /// The value of [`Self::field`].
    pub(super) fn value(&self, names: &[&str]) -> Option<&'a str> {
        self.field(names).map(|field| field.value)
    }

    /// The field at a place, where no name is one that dmidecode has in English.
    pub(super) fn at(&self, place: usize) -> Option<Field<'a>> {
        self.fields.get(place).copied()
    }

    pub(super) fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }
}

/// Takes a line in; false if there are records enough.
fn take<'a>(records: &mut Vec<Record<'a>>, line: &'a str, after_blank: bool, is_cut: bool) -> bool {
    if begins_with(line, HANDLE) {
        records.push(Record { kind: type_in(line), has_handle: true, ..Record::default() });
        return records.len() <= RECORDS_MAX;
    }
    let Some((name, value)) = name_and_value(line) else {
        let known = TITLES.iter().find(|(title, _)| same_words(title, line));
        let known = known.map(|(_, kind)| *kind);
        match records.last_mut() {
            Some(last) if begins_with(line, TYPE) => last.kind = last.kind.or(type_in(line)),
            // The title below a handle: it says the type where the handle does not.
            Some(last) if last.has_handle && last.fields.is_empty() => {
                last.kind = last.kind.or(known)
            }
            // Anywhere else a known title begins a record, and in the quiet form any title does.
            Some(last) if after_blank && (known.is_some() || !last.has_handle) => {
                records.push(Record { kind: known, ..Record::default() });
            }
            None if known.is_some() => records.push(Record { kind: known, ..Record::default() }),
            _ => {}
        }
        return records.len() <= RECORDS_MAX;
    };
    if let Some(last) = records.last_mut().filter(|last| last.fields.len() < FIELDS_MAX) {
        last.fields.push(Field { name, value, is_cut });
    }
    true
}

/// Whether a line begins with two words, of the second at least its beginning, whatever their case
/// and the kind of space between them.
fn begins_with(line: &str, words: [&str; 2]) -> bool {
    let mut found = line.split_whitespace();
    let [first, second] = words;
    found.next().is_some_and(|word| word.eq_ignore_ascii_case(first))
        && found
            .next()
            .and_then(|word| word.get(..second.len()))
            .is_some_and(|start| start.eq_ignore_ascii_case(second))
}

/// Whether a text has the words of a name with single spaces, whatever their case and the kind of
/// space between them.
fn same_words(name: &str, other: &str) -> bool {
    if other.len() < name.len() {
        return false;
    }
    let mut other = other.split_whitespace();
    name.split(' ').all(|word| other.next().is_some_and(|o| o.eq_ignore_ascii_case(word)))
        && other.next().is_none()
}

/// The number in `… DMI type 17, 84 bytes`, whatever the words.
fn type_in(line: &str) -> Option<u8> {
    let digits = |text: &str| {
        let start = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        let end = start.find(|c: char| !c.is_ascii_digit()).unwrap_or(start.len());
        start.get(..end).and_then(|digits| digits.parse().ok())
    };
    match line.split_once(',') {
        Some((_, rest)) if begins_with(line, HANDLE) => digits(rest),
        _ if begins_with(line, TYPE) => digits(line),
        _ => None,
    }
}

/// The two sides of a colon, also of the wide one that East Asian texts have.
fn name_and_value(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once([':', '：'])?;
    Some((name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Option<u8>, usize)> {
        records(text).iter().map(|record| (record.kind, record.fields.len())).collect()
    }

    #[test]
    fn handles_of_every_version_begin_records() {
        let new = "Handle 0x0001, DMI type 1, 27 bytes\nSystem Information\n\tUUID: x\n\n\
                   Handle 0x0002, DMI type 2, 15 bytes\nBase Board Information\n\tVersion: y\n";
        assert_eq!(kinds(new), [(Some(1), 1), (Some(2), 1)]);
        let old = "Handle 0x0001\n\tDMI type 1, 25 bytes.\n\tSystem Information\n\t\tUUID: x\n\
                   Handle 0x0002\n\tDMI type 2, 8 bytes.\n\tBase Board Information\n\t\tA: y\n";
        assert_eq!(kinds(old), [(Some(1), 1), (Some(2), 1)]);
        let translated = "Handle 0x0001, DMI-Typ 1, 27 Bytes\nSystem\n\tHersteller: x\n";
        assert_eq!(kinds(translated), [(Some(1), 1)]);
        assert_eq!(
            kinds("HANDLE 0X0001, DMI TYPE 1, 27 BYTES\r\n\r\nUUID : x\r\n"),
            [(Some(1), 1)]
        );
        let quoted = "> Handle 0x0001, DMI type 1, 27 bytes\n\n> System Information\n> > UUID: x\n";
        assert_eq!(kinds(quoted), [(Some(1), 1)]);
        assert_eq!(kinds("Handle 0x0001\nSystem Information\nUUID: x"), [(Some(1), 1)]);
    }

    #[test]
    fn the_quiet_form_has_titles_only() {
        let text = "BIOS Information\n\tVendor: v\n\tCharacteristics:\n\t\tPCI is supported\n\
                    \tVersion: 1\n\nOEM Strings\n\tString 1: s\n\nMemory Device\n\tSize: 1 GB\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n"), text.replace('\n', "\r")] {
            assert_eq!(kinds(&text), [(Some(0), 3), (None, 1), (Some(17), 1)]);
        }
    }

    #[test]
    fn a_list_item_is_no_title() {
        let text = "Handle 0x0004, DMI type 4, 42 bytes\nProcessor Information\n\tFlags:\n\
                    \t\tFPU (Floating-point unit on-chip)\n\n\t\tSystem Information is not\n\
                    \tVersion: v\n";
        assert_eq!(kinds(text), [(Some(4), 2)]);
    }

    #[test]
    fn what_stands_before_any_record_is_skipped() {
        let text = "# dmidecode 3.3\nGetting SMBIOS data from sysfs.\nSMBIOS 2.8 present.\n\
                    Table at 0x000E8D60.\nUUID: nobody's\n";
        assert!(kinds(text).is_empty());
        assert!(kinds("").is_empty());
        assert!(kinds("Invalid entry length (0). DMI table is broken! Stop.\n").is_empty());
    }

    #[test]
    fn only_the_last_line_can_be_cut() {
        let text = "Handle 0x0001, DMI type 1, 27 bytes\nUUID: x\nSerial Number: hal";
        let records = records(text);
        assert!(!records[0].field(&["uuid"]).unwrap().is_cut);
        assert!(records[0].field(&["serial number"]).unwrap().is_cut);
    }

    #[test]
    fn records_and_fields_are_bounded() {
        let handles = "Handle 0x0001, DMI type 1, 27 bytes\n".repeat(RECORDS_MAX + 100);
        assert!(records(&handles).len() <= RECORDS_MAX + 1);
        let fields = format!("Handle 0x0001, DMI type 1\n{}", "a: b\n".repeat(FIELDS_MAX + 100));
        assert_eq!(records(&fields)[0].fields.len(), FIELDS_MAX);
    }
}
