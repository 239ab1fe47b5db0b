//! The processor as CPUID names it, from what dmidecode prints of it.
//!
//! The kernel and Windows take vendor, family, model and brand from the processor itself; this is
//! the same value where the firmware says enough, and no value where it does not, so that one
//! computer read in two ways is not a changed one.

use hardware_evidence::{AbsentReason, ComponentKind, cpu, is_junk};

use super::records::Record;

/// How makers begin in firmware, in lower-case, and what their processors answer for it.
const VENDORS: [(&str, &str); 7] = [
    ("intel", "GenuineIntel"),
    ("genuineintel", "GenuineIntel"),
    ("amd", "AuthenticAMD"),
    ("advanced micro devices", "AuthenticAMD"),
    ("authenticamd", "AuthenticAMD"),
    ("hygon", "HygonGenuine"),
    ("centaur", "CentaurHauls"),
];

/// What the name has in it that a processor gives itself.
const BRAND_MARKS: [(&str, &str); 4] = [
    ("GenuineIntel", "(R)"),
    ("AuthenticAMD", "AMD"),
    ("HygonGenuine", "Hygon"),
    ("CentaurHauls", "VIA"),
];

/// What Linux calls the architecture of every 64-bit processor of ARM.
const ARM_ARCHITECTURE: &str = "8";

/// The value of the first processor that is there.
pub(super) fn first<'r, 'a: 'r>(
    processors: impl Iterator<Item = &'r Record<'a>>,
) -> Result<String, AbsentReason> {
    let mut populated = processors.filter(|record| !is_empty_socket(record));
    let record = populated.next().ok_or(AbsentReason::NotFound)?;
    let brand = record.value(&["Version"]).unwrap_or_default();
    let signature = record.value(&["Signature"]).unwrap_or_default();
    if let (Some(implementer), Some(part)) =
        (number_after(signature, "Implementor"), number_after(signature, "Part"))
    {
        return Ok(cpu(implementer, ARM_ARCHITECTURE, part, ""));
    }
    let maker = record.value(&["Manufacturer"]).unwrap_or_default();
    let vendor = vendor(maker).or_else(|| vendor(brand)).ok_or(AbsentReason::NotFound)?;
    // Old versions write the family of the words in hexadecimal.
    let by_words = || {
        let number = |word| number_after(signature, word).map(str::to_owned);
        Some((number("Family")?, number("Model")?))
    };
    let by_id = || from_id(record.value(&["ID"])?);
    let (family, model) = by_id().or_else(by_words).ok_or(AbsentReason::NotFound)?;
    // A placeholder for the brand, or a name that the firmware made up, would make another value of
    // the same processor.
    if is_junk(ComponentKind::Cpu, &cpu("", "", "", brand)) {
        return Ok(cpu("", "", "", brand));
    }
    let is_own = BRAND_MARKS.iter().any(|(of, mark)| *of == vendor && brand.contains(mark));
    match is_own {
        true => Ok(cpu(vendor, &family, &model, brand)),
        false => Err(AbsentReason::NotFound),
    }
}

fn vendor(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    VENDORS.iter().find(|(start, _)| name.starts_with(start)).map(|(_, vendor)| *vendor)
}

fn is_empty_socket(record: &Record<'_>) -> bool {
    record.value(&["Status"]).is_some_and(|status| {
        let status = status.to_ascii_lowercase();
        status.contains("unpopulated") || status.starts_with("disabled by bios")
    })
}

/// What follows a word in `Type 0, Family 6, Model 158, Stepping 10`.
fn number_after<'a>(signature: &'a str, word: &str) -> Option<&'a str> {
    let mut parts = signature.split(',').map(str::trim);
    let found = parts.find_map(|part| {
        let rest = part.strip_prefix(word)?;
        rest.starts_with(char::is_whitespace).then(|| rest.trim())
    })?;
    (!found.is_empty()).then_some(found)
}

/// Family and model as CPUID displays them, from the bytes of its first leaf.
fn from_id(id: &str) -> Option<(String, String)> {
    let mut bytes = id.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).ok());
    let mut next = || bytes.next().flatten();
    let leaf = u32::from_le_bytes([next()?, next()?, next()?, next()?]);
    if leaf == 0 {
        return None;
    }
    let bits = |shift: u32, mask: u32| (leaf >> shift) & mask;
    let base = bits(8, 0xf);
    let family = if base == 0xf { base + bits(20, 0xff) } else { base };
    let extended = if base >= 6 { bits(16, 0xf) << 4 } else { 0 };
    Some((family.to_string(), (bits(4, 0xf) | extended).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_the_firmware_made_up_is_no_value() {
        let processor = |version: &str| {
            let text = format!(
                "Handle 0x0004, DMI type 4, 42 bytes\nManufacturer: Intel\nID: 7A 06 01 00\n\
                 Version: {version}\n"
            );
            first(super::super::records(&text).iter())
        };
        let own = "Intel(R) Xeon(R) CPU E5420 @ 2.50GHz";
        assert_eq!(processor(own), Ok(format!("GenuineIntel|6|23|{own}")));
        assert_eq!(processor("Intel Xeon"), Err(AbsentReason::NotFound));
        assert_eq!(processor("Not Specified"), Ok("|||Not Specified".to_owned()));
    }

    #[test]
    fn bytes_of_the_first_leaf_are_family_and_model() {
        let read = |id| from_id(id).map(|(family, model)| format!("{family} {model}"));
        assert_eq!(read("EA 06 09 00 FF FB EB BF").as_deref(), Some("6 158"));
        assert_eq!(read("10 0F 87 00 FF FB 8B 17").as_deref(), Some("23 113"));
        assert_eq!(read("76 06 01 00").as_deref(), Some("6 23"));
        for id in ["", "00 00 00 00 00 00 00 00", "EA 06", "zz 06 09 00", "é"] {
            assert_eq!(read(id), None);
        }
    }

    #[test]
    fn words_of_a_signature_have_numbers_behind_them() {
        let signature = "Type 0, Family 6, Model 158, Stepping 10";
        assert_eq!(number_after(signature, "Model"), Some("158"));
        assert_eq!(number_after(signature, "Part"), None);
        assert_eq!(number_after("Family , Model", "Family"), None);
    }
}
