#!/usr/bin/env python3
"""Reproduces the test vectors of the evidence recipe from docs/evidence-recipe.md alone, with the standard library.

Run it from anywhere: `python3 hardware-evidence/vectors/check.py`. It exits with 1 and names every vector that differs.
It shares no code with the Rust crate, so that an error in one of them shows.
"""

import hashlib
import hmac
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
JUNK = json.loads((HERE / "junk-v1.json").read_text(encoding="utf-8"))
RECIPE_VERSION = 1
VALUE_CHARS_MAX = 256
SET_DIGESTS_MAX = 16
SETS = ("NIC", "GPU")
ASCII_SPACE = " \t\n\v\f\r"
IGNORED_IN_HEX = " \t\n\r-:.{}"

KINDS = {
    name: number
    for number, name in enumerate(
        [
            "BOARD_SERIAL", "BOARD_MODEL", "SYSTEM_UUID", "OS_DISK", "NIC", "TPM_EK", "CPU",
            "GPU", "RAM_RANGE", "CHASSIS_SERIAL", "OS_INSTALL_ID", "BIOS_VERSION",
            "OPERATOR_HANDLE",
        ],
        start=1,
    )
}


def ascii_lower(text):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def normal_text(raw):
    spaced = "".join(" " if c <= " " or c in "\x7f\xa0" else c for c in raw)
    collapsed = ascii_lower(" ".join(word for word in spaced.split(" ") if word))
    return collapsed[:VALUE_CHARS_MAX].rstrip(". ")


def is_junk_text(value):
    symbols = [c for c in value if ord(c) > 127 or c in "abcdefghijklmnopqrstuvwxyz0123456789"]
    return len(set(symbols)) < 2 or is_listed(value) or is_counting(value)


def is_listed(value):
    return (
        value in JUNK["texts"]
        or any(value.startswith(prefix) for prefix in JUNK["text_prefixes"])
        or any(part in value for part in JUNK["text_parts"])
        or any(
            len(value) >= sequence["chars_min"] and sequence["text"].startswith(value)
            for sequence in JUNK["sequences"]
        )
    )


def is_counting(value):
    from_one = "1234567890" * VALUE_CHARS_MAX
    from_zero = "0123456789" * VALUE_CHARS_MAX
    digits_at = next((place for place, c in enumerate(value) if c in "0123456789"), len(value))
    tail = value[digits_at:]
    return (
        from_one.startswith(value)
        or (len(value) >= 4 and from_zero.startswith(value))
        or (
            len(tail) >= JUNK["counting_tail_digits_min"]
            and (from_one.startswith(tail) or from_zero.startswith(tail))
        )
    )


def plain(raw):
    value = normal_text(raw)
    return None if is_junk_text(value) else value


def serial(raw):
    value = plain(raw)
    if value is None or value in JUNK["serial_texts"]:
        return None
    return None if any(value.startswith(p) for p in JUNK["serial_prefixes"]) else value


def hex_bytes(raw, length):
    digits = "".join(c for c in raw if c not in IGNORED_IN_HEX)
    if len(digits) != 2 * length or any(c not in "0123456789abcdefABCDEF" for c in digits):
        return None
    return bytes.fromhex(digits)


def hyphenated(value):
    digits = value.hex()
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


def smaller_twin(value):
    twin = value[3::-1] + value[5:3:-1] + value[7:5:-1] + value[8:]
    return min(value, twin)


def uuid(raw, swap):
    value = hex_bytes(raw, 16)
    if value is None or len(set(value)) == 1:
        return None
    text = hyphenated(smaller_twin(value) if swap else value)
    listed = set(JUNK["uuids"])
    listed |= {hyphenated(smaller_twin(hex_bytes(junk, 16))) for junk in JUNK["uuids"]}
    return None if text in listed or text.startswith(JUNK["uuid_prefix"]) else text


def mac(raw):
    value = hex_bytes(raw, 6)
    if value is None or value[0] & 0b01:
        return None
    text = ":".join(f"{byte:02x}" for byte in value)
    if value[0] & 0b10 and not text.startswith(JUNK["guest_mac_prefix"]):
        return None
    if text in JUNK["macs"] or text.endswith(JUNK["mac_suffix"]):
        return None
    return None if any(text.startswith(prefix) for prefix in JUNK["mac_prefixes"]) else text


def tpm_ek(raw):
    value = hex_bytes(raw, 32)
    if value is None or len(set(value)) == 1 or value.hex() == JUNK["empty_sha256"]:
        return None
    return value.hex()


def gpu(raw):
    parts = ascii_lower(raw.strip(ASCII_SPACE)).split(":")
    if len(parts) != 2:
        return None
    ids = [part[2:] if part.startswith("0x") else part for part in parts]
    if any(not 1 <= len(i) <= 4 or any(c not in "0123456789abcdef" for c in i) for i in ids):
        return None
    vendor, device = (i.rjust(4, "0") for i in ids)
    return None if vendor in JUNK["pci_vendors"] else f"{vendor}:{device}"


def fields(raw, count):
    found = raw.split("|", count - 1)
    return found + [""] * (count - len(found))


def board_model(raw):
    manufacturer, product = (plain(field) for field in fields(raw, 2))
    if product is None:
        return None
    return f"{manufacturer or ''}|{product.replace('|', ' ')}"


def cpu(raw):
    vendor, family, model, brand = fields(raw, 4)
    vendor, brand = plain(vendor), plain(brand)
    if vendor is None and brand is None:
        return None
    parts = [vendor or "", normal_text(family), normal_text(model), (brand or "").replace("|", " ")]
    return "|".join(parts)


def ram_range(raw):
    digits = raw.strip(ASCII_SPACE)
    if not digits.isascii() or not digits.isdigit():
        return None
    value = int(digits)
    return str((value - 1).bit_length()) if 0 < value < 2**64 else None


def normalise(kind, raw):
    """The normal value, None for junk, "" for empty."""
    if all(c < " " or c in "\x7f|" for c in raw):
        return ""
    if kind in ("BOARD_SERIAL", "CHASSIS_SERIAL", "OS_DISK"):
        return serial(raw)
    if kind == "OS_INSTALL_ID":
        return uuid(raw, swap=False) if hex_bytes(raw, 16) is not None else plain(raw)
    if kind == "SYSTEM_UUID":
        return uuid(raw, swap=True)
    by_kind = {
        "BOARD_MODEL": board_model, "NIC": mac, "TPM_EK": tpm_ek, "CPU": cpu, "GPU": gpu,
        "RAM_RANGE": ram_range, "BIOS_VERSION": plain, "OPERATOR_HANDLE": plain,
    }
    return by_kind[kind](raw)


def digest(salt, kind, value):
    data = bytes([RECIPE_VERSION, KINDS[kind]]) + value.encode("utf-8")
    return hmac.new(salt, data, hashlib.sha256).digest()[:16].hex()


def read(salt, kind, raw):
    value = normalise(kind, raw)
    if value is None:
        return {"verdict": "junk"}
    if value == "":
        return {"verdict": "empty"}
    return {"verdict": "present", "normalised": value, "digest": digest(salt, kind, value)}


def of_kind(salt, kind, raws):
    """The digests of all values of a kind, as they are sent; none if it is junk, empty or absent."""
    readings = [read(salt, kind, raw) for raw in raws]
    digests = sorted({found["digest"] for found in readings if found["verdict"] == "present"})
    assert len(digests) <= 1 or kind in SETS, f"{kind} has one value"
    return digests[:SET_DIGESTS_MAX]


def components(salt, values):
    """What is sent of a whole computer, by number of the kind."""
    found = [(KINDS[kind], kind, of_kind(salt, kind, raws)) for kind, raws in values.items()]
    return [
        {"kind": kind, "recipe_version": RECIPE_VERSION, "digests": digests}
        for _, kind, digests in sorted(found)
        if digests
    ]


def check_values(recipe):
    for number, vector in enumerate(recipe["vectors"], start=1):
        found = read(bytes.fromhex(vector["salt"]), vector["kind"], vector["raw"])
        wanted = {name: vector[name] for name in vector if name in ("verdict", "normalised", "digest")}
        if found != wanted or KINDS[vector["kind"]] != vector["kind_number"]:
            yield f"vector {number} ({vector['kind']}): wanted {wanted}, found {found}"


def check_sets(recipe):
    for number, vector in enumerate(recipe["sets"], start=1):
        found = of_kind(bytes.fromhex(vector["salt"]), vector["kind"], vector["raws"])
        if found != vector["digests"]:
            yield f"set {number} ({vector['kind']}): wanted {vector['digests']}, found {found}"


def check_computers(recipe):
    for number, vector in enumerate(recipe["computers"], start=1):
        found = components(bytes.fromhex(vector["salt"]), vector["values"])
        if found != vector["components"]:
            yield f"computer {number} ({vector['about']}): wanted {vector['components']}, found {found}"


def main():
    recipe = json.loads((HERE / "recipe-v1.json").read_text(encoding="utf-8"))
    faults = [*check_values(recipe), *check_sets(recipe), *check_computers(recipe)]
    for fault in faults:
        print(fault)
    number = sum(len(recipe[part]) for part in ("vectors", "sets", "computers"))
    print(f"{number} vectors, {len(faults)} differ")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
