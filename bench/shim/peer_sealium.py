"""Calls a sealium server: `peer_sealium.py FOLDER URI CALLERS SECONDS` tells activations a second.

Every call activates a code that is new, made by sealium's own script before anything is counted, on
a computer that is new, through sealium's own client code; only collecting the hardware is left out,
which works on Windows alone. Requests are encrypted beforehand, so the callers are not what is
measured.
"""

import http.client
import json
import secrets
import sys
import threading
import time
import urllib.parse
from pathlib import Path

from sealium.client.key_manager import ClientKeyManager
from sealium.common.fingerprint import DEFAULT_WEIGHTS, Component, MachineFingerprint
from sealium.common.models import ActivationRequest
from sealium.scripts.generate_activation_codes import generate_activation_codes

# More than a server of one process answers in a second.
CODES_PER_SECOND = 600


def request(public_key, code):
    """The client that asks, whose session key decrypts the answer, and what it sends."""
    parts = tuple(
        Component(kind.category, secrets.token_hex(32), kind.is_core) for kind in DEFAULT_WEIGHTS
    )
    machine = MachineFingerprint(components=parts)
    asked = ActivationRequest(code, machine, int(time.time()), secrets.token_hex(16))
    client = ClientKeyManager(public_key)
    return client, client.build_encrypted_request(json.dumps(asked.to_dict()).encode())


def main():
    folder, uri = Path(sys.argv[1]), urllib.parse.urlsplit(sys.argv[2])
    callers, seconds = int(sys.argv[3]), float(sys.argv[4])
    public_key = (folder / "server_public.pem").read_text()
    codes = generate_activation_codes(int(CODES_PER_SECOND * seconds) + callers)
    waiting = iter([request(public_key, code) for code in codes])
    lock, answers = threading.Lock(), []
    begun = time.monotonic()

    def call():
        connection = http.client.HTTPConnection(uri.hostname, uri.port)
        while time.monotonic() - begun < seconds:
            with lock:
                client, body = next(waiting, (None, None))
            if client is None:
                return
            connection.request("POST", uri.path, body, {"Content-Type": "application/octet-stream"})
            answer = connection.getresponse()
            answers.append((client, answer.status, answer.read()))

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begun
    if next(waiting, None) is None:
        sys.exit("the codes ran out")
    for client, status, content in answers:
        told = json.loads(client.decrypt_response(content)) if status == 200 else {}
        if told.get("result") != "success":
            sys.exit(f"status {status}: {told}")
    print(f"activations_per_s {len(answers) / took:.1f}")


main()
