#!/usr/bin/env python3
"""Verifies receipts from docs/receipts.md alone, with a crypto package (`cryptography`) and the standard library.

    verify.py RECEIPT --key BASE64 [--key BASE64 …]   verifies a receipt file (binary or base64) and prints what it proves
    verify.py --vectors                               reproduces the test vectors beside this script

It exits with 0 if all is well, with 2 if a receipt is refused (its reason on standard error), and with 1 if a vector
differs. It shares no code with the Rust crate, so that an error in one of them shows.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HERE = pathlib.Path(__file__).resolve().parent
HEAD_DOMAIN = b"benefits/head/v1\0"
EVIDENCE_DOMAIN = b"benefits/evidence/v1\0"
LOOK_UP_DOMAIN = b"benefits/look-up-commitment/v1\0"
GENESIS = bytes(32)
LEAF_BYTES_MAX = 32 * 1024
TEXT_BYTES_MAX = 8 * 1024
KINDS_MAX = CHANGES_MAX = 32
PATH_HASHES_MAX = 16
LEAVES_MAX = 1 << 16
RECEIPT_BYTES_MAX = 1 + 3 + LEAF_BYTES_MAX + 10 + 1 + PATH_HASHES_MAX * 32 + (1 + 16 + 40 + 32 + 32 + 8 + 64)

OUTCOMES = [
    "COUNTED_NEW_COMPUTER", "NOT_COUNTED_SAME_COMPUTER", "COUNTED_SIGNIFICANT_CHANGE", "COUNTED_EVERY_ACTIVATION",
]
PLATFORMS = ["WINDOWS", "MACOS", "LINUX"]
VERDICTS = ["MATCHED", "CHANGED", "ABSENT", "JUNK"]
COUNTING_MODES = ["HARDWARE_TOLERANT", "EVERY_ACTIVATION"]
REASONS = [
    "KEY_BLOCKED", "OTHER_PRODUCT", "KEY_SUSPENDED", "PLATFORM_NOT_ALLOWED", "INSUFFICIENT_EVIDENCE",
    "ACTIVATE_BY_PASSED", "ACTIVATION_LIMIT_REACHED", "RELEASE_NOT_ALLOWED", "RELEASE_LIMIT_REACHED",
    "EVIDENCE_NOT_MATCHING", "ACTIVATION_RELEASED",
]


class Refused(Exception):
    """A receipt proves nothing; the text is the name of the reason."""


class Malformed(Exception):
    """Bytes are not what a writer writes."""


class UnknownFormat(Malformed):
    """A later version wrote it."""


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        if length > len(self.data) - self.at:
            raise Malformed("cut short")
        self.at += length
        return self.data[self.at - length : self.at]

    def byte(self):
        return self.take(1)[0]

    def format(self):
        if self.byte() != 1:
            raise UnknownFormat()

    def finish(self):
        if self.at != len(self.data):
            raise Malformed("bytes left over")

    def flag(self):
        value = self.byte()
        if value > 1:
            raise Malformed("a flag is neither 0 nor 1")
        return bool(value)

    def number(self, bits=64):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if value >> bits or shift > 63:
                raise Malformed("a number is too large")
            if byte < 0x80:
                if byte == 0 and shift > 0:
                    raise Malformed("a number is not written in its shortest form")
                return value
            shift += 7

    def u32(self):
        return self.number(32)

    def signed(self):
        value = self.number()
        return (value >> 1) ^ -(value & 1)

    def text(self):
        length = self.number()
        if length > TEXT_BYTES_MAX:
            raise Malformed("a text is too long")
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("a text is not UTF-8") from error

    def option(self, read):
        return read() if self.flag() else None

    def listed(self, read, length_max):
        length = self.number()
        if length > length_max:
            raise Malformed("too many")
        return [read() for _ in range(length)]

    def one_of(self, names):
        number = self.byte()
        if not 1 <= number <= len(names):
            raise Malformed("unknown number")
        return names[number - 1]


def told(value):
    """A value as the page spells it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.hex() if isinstance(value, bytes) else str(value)


def platforms(r):
    bits = r.byte()
    if bits & ~0b1110:
        raise Malformed("unknown platform")
    return "+".join(name for number, name in enumerate(PLATFORMS, 1) if bits >> number & 1) or "all"


def kinds(r):
    found = r.listed(lambda: (r.byte(), r.one_of(VERDICTS)), KINDS_MAX)
    numbers = [0] + [kind for kind, _ in found]
    if any(a >= b for a, b in zip(numbers, numbers[1:])):
        raise Malformed("kinds are told once each, by number")
    return " ".join(f"{kind}={verdict}" for kind, verdict in found)


def suspension(r):
    return f"{told(r.flag())} (generation {r.number()})"


def change(r):
    readers = [
        ("limit", r.u32), ("blocked", r.flag), ("platforms", lambda: platforms(r)), ("releases_max", r.u32),
        ("activate_by_ms", lambda: r.option(r.signed)), ("help_uri", r.text), ("handle_allowed", r.flag),
        ("suspended", lambda: suspension(r)),
    ]
    number = r.byte()
    if number == 9:
        return f"look_up_commitment: {r.take(32).hex()}"
    if not 1 <= number <= len(readers):
        raise Malformed("unknown change")
    name, read = readers[number - 1]
    old, new = read(), read()
    return f"{name}: {told(old)} -> {told(new)}"


def event(r):
    kind = r.byte()
    if kind == 1:
        return [
            ("event", "REGISTERED"), ("owner", r.text()), ("product", r.text()), ("platforms", platforms(r)),
            ("limit", r.u32()), ("counting_mode", r.one_of(COUNTING_MODES)), ("releases_max", r.u32()),
            ("activate_by_ms", r.option(r.signed)), ("help_uri", r.text()), ("handle_allowed", r.flag()),
            ("suspended", r.flag()), ("suspension_generation", r.number()), ("look_up_commitment", r.take(32)),
        ]
    if kind == 2:
        return [
            ("event", "ACTIVATED"), ("outcome", r.one_of(OUTCOMES)), ("activation_id", r.take(16)),
            ("count", r.number()), ("platform", r.one_of(PLATFORMS)), ("used", r.u32()), ("limit", r.u32()),
            ("policy_version", r.text()), ("score", r.option(r.u32)), ("threshold", r.u32()), ("kinds", kinds(r)),
            ("weak", r.flag()), ("clone_suspected", r.flag()),
            ("evidence_commitment", r.option(lambda: r.take(32))),
        ]
    if kind == 3:
        return [
            ("event", "RELEASED"), ("activation_id", r.take(16)), ("count", r.number()), ("last", r.flag()),
            ("by_policy", r.flag()), ("used", r.u32()), ("limit", r.u32()),
        ]
    if kind == 4:
        changes = r.listed(lambda: change(r), CHANGES_MAX)
        return [("event", "UPDATED")] + [(f"change_{n}", text) for n, text in enumerate(changes, 1)]
    if kind == 5:
        return [
            ("event", "REFUSED"), ("refusal_reason", r.one_of(REASONS)),
            ("platform", r.option(lambda: r.one_of(PLATFORMS))),
        ]
    raise Malformed("unknown event")


def read_leaf(data):
    r = Reader(data)
    r.format()
    fields = [
        ("key_id", r.take(16)), ("account_version", r.number()), ("sequence", r.number()), ("shown_ms", r.signed()),
        ("raw_ms", r.signed()), ("actor", r.text()), ("reason", r.text()), ("client_name", r.text()),
        ("client_version", r.text()), ("request_id", r.option(lambda: r.take(16))),
    ] + event(r)
    r.finish()
    values = dict(fields)
    if values["account_version"] == 0 or values["sequence"] == 0:
        raise Malformed("events are counted from 1")
    return values["sequence"], {name: told(value) for name, value in fields}


def read_head(r):
    start = r.at
    r.format()
    head = {"chain_id": r.take(16)}
    for name in ["batch", "first_sequence", "last_sequence", "leaf_count"]:
        head[name] = r.number()
    head["root"], head["previous"], head["signing_key_id"] = r.take(32), r.take(32), r.take(8)
    head["content"] = r.data[start : r.at]
    head["signature"] = r.take(64)
    head["hash"] = sha256(HEAD_DOMAIN, head["content"], head["signature"])
    if head["batch"] == 0 or head["first_sequence"] == 0:
        raise Malformed("batches and events are counted from 1")
    if head["leaf_count"] == 0 or head["last_sequence"] - head["first_sequence"] + 1 != head["leaf_count"]:
        raise Malformed("the batch does not have as many leaves as events")
    if head["leaf_count"] > LEAVES_MAX:
        raise Malformed("too many leaves")
    first = head["batch"] == 1
    if first != (head["first_sequence"] == 1) or first != (head["previous"] == GENESIS):
        raise Malformed("only the first head begins a chain")
    return head


def root_from_path(leaf_hash, index, count, path):
    """RFC 9162, section 2.1.3.2; None if the path leads nowhere."""
    if index >= count:
        return None
    at, last, found = index, count - 1, leaf_hash
    for sibling in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            found = sha256(b"\x01", sibling, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = sha256(b"\x01", found, sibling)
        at, last = at >> 1, last >> 1
    return found if last == 0 else None


def verify(data, trusted):
    """What the receipt proves; `trusted` are the 32 bytes of public keys."""
    if len(data) > RECEIPT_BYTES_MAX:
        raise Refused("TOO_LARGE")
    stage = "MALFORMED_RECEIPT"
    try:
        r = Reader(data)
        r.format()
        length = r.number()
        if length > LEAF_BYTES_MAX:
            raise Malformed("the leaf is too long")
        leaf, index, path = r.take(length), r.number(), r.listed(lambda: r.take(32), PATH_HASHES_MAX)
        stage = "MALFORMED_HEAD"
        head = read_head(r)
        stage = "MALFORMED_RECEIPT"
        r.finish()

        keys = {hashlib.sha256(key).digest()[:8]: key for key in trusted}
        if head["signing_key_id"] not in keys:
            raise Refused("UNKNOWN_SIGNING_KEY")
        key = Ed25519PublicKey.from_public_bytes(keys[head["signing_key_id"]])
        try:
            key.verify(head["signature"], HEAD_DOMAIN + head["content"])
        except InvalidSignature as error:
            raise Refused("WRONG_SIGNATURE") from error
        if root_from_path(sha256(b"\x00", leaf), index, head["leaf_count"], path) != head["root"]:
            raise Refused("WRONG_PATH")
        stage = "MALFORMED_LEAF"
        sequence, fields = read_leaf(leaf)
    except UnknownFormat as error:
        raise Refused("UNKNOWN_FORMAT") from error
    except Malformed as error:
        raise Refused(stage) from error
    if sequence != head["first_sequence"] + index:
        raise Refused("WRONG_SEQUENCE")
    return {"leaf": leaf, "leaf_index": index, "fields": fields, "head": head}


def link(previous, following):
    """Whether the second head directly follows the first."""
    if previous["chain_id"] != following["chain_id"]:
        return "OTHER_CHAIN"
    if previous["batch"] == following["batch"] and previous["hash"] != following["hash"]:
        return "FORK"
    if previous["batch"] + 1 != following["batch"]:
        return "BATCH"
    if previous["last_sequence"] + 1 != following["first_sequence"]:
        return "SEQUENCE"
    return "OK" if following["previous"] == previous["hash"] else "PREVIOUS"


def tree_root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256()
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\x01", tree_root(hashes[:split]), tree_root(hashes[split:]))


def check_receipts(vectors, differ):
    trusted = [base64.b64decode(key) for key in vectors["trusted_keys"]]
    for vector in vectors["receipts"]:
        data = bytes.fromhex(vector["receipt"]) + bytes(vector.get("zeros_behind", 0))
        try:
            proved = verify(data, trusted)
        except Refused as refused:
            differ(vector["name"], vector.get("error", "no error"), str(refused))
            continue
        head = proved["head"]
        found = {
            "fields": proved["fields"], "leaf": proved["leaf"].hex(), "leaf_index": proved["leaf_index"],
            "batch": head["batch"], "leaf_count": head["leaf_count"], "root": head["root"].hex(),
            "signing_key_id": head["signing_key_id"].hex(), "head_hash": head["hash"].hex(),
        }
        differ(vector["name"], {name: vector.get(name) for name in found}, found)
        differ(vector["name"], None, vector.get("error"))


def check_trees(vectors, differ):
    hashes = [sha256(b"\x00", bytes.fromhex(leaf)) for leaf in vectors["leaves"]]
    for tree in vectors["trees"]:
        count, root = tree["leaf_count"], tree["root"]
        differ(f"tree of {count}", root, tree_root(hashes[:count]).hex())
        for index, path in enumerate(tree["paths"]):
            found = root_from_path(hashes[index], index, count, [bytes.fromhex(node) for node in path])
            differ(f"path {index} of {count}", root, found and found.hex())


def check_vectors():
    faults, checked = [], 0

    def differ(name, wanted, found):
        nonlocal checked
        checked += 1
        if wanted != found:
            faults.append(f"{name}: wanted {wanted}, found {found}")

    def read(name):
        return json.loads((HERE / name).read_text(encoding="utf-8"))

    check_receipts(read("receipts-v1.json"), differ)
    check_receipts(read("damaged-v1.json"), differ)
    check_trees(read("tree-v1.json"), differ)
    for pair in read("chain-v1.json")["pairs"]:
        heads = [read_head(Reader(bytes.fromhex(pair[name]))) for name in ("previous", "next")]
        differ(pair["name"], pair["result"], link(*heads))
    commitments = read("commitments-v1.json")
    for vector in commitments["evidence"]:
        found = sha256(EVIDENCE_DOMAIN, bytes.fromhex(vector["salt"]), bytes.fromhex(vector["evidence"]))
        differ("evidence", vector["commitment"], found.hex())
    for vector in commitments["look_up"]:
        pepper, digest = vector["pepper"].to_bytes(4, "big"), bytes.fromhex(vector["digest"])
        found = sha256(LOOK_UP_DOMAIN, bytes.fromhex(vector["salt"]), pepper, digest)
        differ("look-up", vector["commitment"], found.hex())
    for fault in faults:
        print(fault)
    print(f"receipts: {checked} comparisons with the vectors, {len(faults)} differ")
    return 1 if faults or checked < 100 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("receipt", nargs="?", type=pathlib.Path, help="a file, binary or base64")
    parser.add_argument("--key", action="append", default=[], help="a trusted public key, base64 of 32 bytes")
    parser.add_argument("--vectors", action="store_true", help="reproduce the test vectors")
    arguments = parser.parse_args()
    if arguments.vectors:
        return check_vectors()
    if arguments.receipt is None or not arguments.key:
        parser.error("a receipt file and at least one --key are needed")
    data = arguments.receipt.read_bytes()
    if data[:1] != b"\x01":
        data = base64.b64decode(data)
    try:
        proved = verify(data, [base64.b64decode(key, validate=True) for key in arguments.key])
    except Refused as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return 2
    head = {name: told(value) for name, value in proved["head"].items() if name not in ("content", "signature")}
    print(json.dumps({"leaf": proved["fields"], "head": head}, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
