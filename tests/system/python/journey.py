"""A partner's journey with grpcio: from enrolment to a refused activation.

It knows nothing but the schemas, docs/evidence-recipe.md and the public google.rpc types. Its one
argument is a file that says where the services are and how to call as whom.
"""

import hashlib
import hmac
import json
import os
import sys
import time

import grpc
from google.rpc import error_details_pb2, status_pb2

from benefits.activation.v1 import activation_pb2 as act
from benefits.activation.v1 import activation_pb2_grpc as act_grpc
from benefits.catalog.v1 import catalog_pb2 as cat
from benefits.catalog.v1 import catalog_pb2_grpc as cat_grpc

PATIENCE_SECONDS = 30
DAY_SECONDS = 24 * 3600
RECIPE_VERSION = 1
DETAILS = {
    "google.rpc." + name: getattr(error_details_pb2, name)
    for name in (
        "ErrorInfo",
        "LocalizedMessage",
        "Help",
        "BadRequest",
        "PreconditionFailure",
        "RetryInfo",
    )
}


class World:
    """Makes clients that call as somebody."""

    def __init__(self, setting):
        self.setting = setting
        self.channels = []

    def _channel(self, service, who):
        person = self.setting["people"][who]
        target = self.setting[service]
        if not self.setting["secured"]:
            channel = grpc.insecure_channel(target)
        else:
            read = lambda name: open(name, "rb").read() if name else None
            credentials = grpc.ssl_channel_credentials(
                read(self.setting["authority"]), read(person["key"]), read(person["cert"])
            )
            channel = grpc.secure_channel(target, credentials)
        self.channels.append(channel)
        return channel, [tuple(pair) for pair in person["metadata"]]

    def activation(self, who):
        channel, metadata = self._channel("activation", who)
        return Client(act_grpc.ActivationServiceStub(channel), metadata)

    def catalog(self, who):
        channel, metadata = self._channel("catalog", who)
        return Client(cat_grpc.CatalogServiceStub(channel), metadata)


class Client:
    """Calls with the metadata of one person."""

    def __init__(self, stub, metadata):
        self.stub = stub
        self.metadata = metadata

    def __getattr__(self, method):
        call = getattr(self.stub, method)
        return lambda request: call(request, metadata=self.metadata, timeout=10)


class Refusal:
    """A refusal with its details decoded by type."""

    def __init__(self, error):
        self.code = error.code()
        packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
        status = status_pb2.Status.FromString(packed)
        assert status.code == self.code.value[0], status
        self.details = {}
        for any_detail in status.details:
            name = any_detail.type_url.rsplit("/", 1)[-1]
            self.details[name] = DETAILS[name].FromString(any_detail.value)

    def __getattr__(self, name):
        return self.details["google.rpc." + name]


def refused(call, request, code, reason, locale="nl"):
    """The refusal that the call must be; R11: each of them leads on."""
    try:
        answer = call(request)
    except grpc.RpcError as error:
        refusal = Refusal(error)
        told = (refusal.code, refusal.ErrorInfo.reason)
        assert told == (code, reason), f"wanted {code} {reason}, got {told}: {error}"
        assert refusal.ErrorInfo.domain in ("benefits.activation.v1", "benefits.catalog.v1")
        assert refusal.LocalizedMessage.locale == locale, refusal.LocalizedMessage
        assert refusal.LocalizedMessage.message
        assert refusal.Help.links[0].url.startswith("https://"), "R11"
        return refusal
    raise AssertionError(f"expected {reason}, got {answer}")


def digest(salt, kind, value):
    """docs/evidence-recipe.md in one line."""
    message = bytes([RECIPE_VERSION, kind]) + value.encode("utf-8")
    return hmac.new(salt, message, hashlib.sha256).digest()[:16]


def evidence(salt, values):
    """Values in their normal form, as the recipe has them, by kind."""
    components = [
        act.EvidenceComponent(
            kind=kind, recipe_version=RECIPE_VERSION, digests=[digest(salt, kind, value)]
        )
        for kind, value in values.items()
    ]
    return act.Evidence(components=components)


def computer(number):
    """A computer with enough evidence."""
    return {
        act.COMPONENT_KIND_BOARD_SERIAL: f"pc{number}brd7731",
        act.COMPONENT_KIND_SYSTEM_UUID: f"1a4f8e60-2c37-11ea-9d5b-04d9f5c2{number:04x}",
        act.COMPONENT_KIND_OS_DISK: f"pc{number}dsk4410",
        act.COMPONENT_KIND_NIC: f"04:d9:f5:c2:a1:{number:02x}",
    }


def enrol(world):
    """An operator makes the partner and its membership, and imports a key."""
    operator = world.catalog("operator")
    partner = cat.Partner(name="partners/contoso", display_name="Contoso")
    operator.UpsertPartner(cat.UpsertPartnerRequest(partner=partner))
    enrolment = cat.Enrolment(
        name="partners/contoso/enrolments/core", offer="offers/maps-core", provisioned=True
    )
    now = int(time.time())
    enrolment.start_time.FromSeconds(now - 30 * DAY_SECONDS)
    enrolment.end_time.FromSeconds(now + 300 * DAY_SECONDS)
    answer = operator.UpsertEnrolment(cat.UpsertEnrolmentRequest(enrolment=enrolment))
    assert answer.enrolment.state == cat.ENROLMENT_STATE_ACTIVE
    benefit = "partners/contoso/benefits/core.visio-professional-2019"
    keys = [cat.ProductKeyImport(benefit=benefit)]
    operator.ImportProductKeys(cat.ImportProductKeysRequest(keys=keys))
    return benefit


def reveal(world, benefit):
    """R4, F7: the key is shown once it is ready; until then the refusal says when to ask again."""
    admin = world.catalog("admin")
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return admin.RevealProductKey(cat.RevealProductKeyRequest(name=benefit))
        except grpc.RpcError as error:
            refusal = Refusal(error)
            assert refusal.ErrorInfo.reason == "KEY_PROVISIONING", error
            assert refusal.RetryInfo.retry_delay.ToMilliseconds() > 0
            assert time.monotonic() < end, "the key never gets ready"


def read_the_catalog(world, benefit):
    """R1, R2, R9, F2, F9."""
    admin = world.catalog("admin")
    listed = admin.ListBenefits(cat.ListBenefitsRequest(parent="partners/contoso", page_size=200))
    assert len(listed.benefits) == 32, "R2"
    pane = admin.GetDownload(cat.GetDownloadRequest(name=benefit))
    assert [step.number for step in pane.instructions.steps] == [1, 2, 3], "F2"
    assert pane.language_code == "nl"
    cals = "partners/contoso/benefits/core.windows-server-2019-cals"
    refusal = refused(
        admin.GetDownload,
        cat.GetDownloadRequest(name=cals),
        grpc.StatusCode.FAILED_PRECONDITION,
        "NOT_DOWNLOADABLE",
    )
    violation = refusal.PreconditionFailure.violations[0]
    assert violation.subject == "products/windows-server-2019-standard", "R9"
    for who, reason in (
        ("stranger", "NOT_ASSOCIATED"),
        ("nobody", "ROLE_MISSING"),
        ("portal", "ROLE_MISSING"),
    ):
        request = cat.ListBenefitsRequest(parent="partners/contoso")
        list_benefits = world.catalog(who).ListBenefits
        refused(list_benefits, request, grpc.StatusCode.PERMISSION_DENIED, reason)
    bad = cat.ListBenefitsRequest(parent="contoso", page_size=-1, filter="a ~ b")
    refusal = refused(
        admin.ListBenefits, bad, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"
    )
    named = sorted(violation.field for violation in refusal.BadRequest.field_violations)
    assert named == ["filter", "page_size", "parent"], named


def activate(world, shown):
    """R6, R7, R10, with a product key and nothing else."""
    installer = world.activation("installer")
    terms = installer.GetActivationTerms(act.GetActivationTermsRequest())
    assert RECIPE_VERSION in terms.recipe_versions

    def request(number, platform=act.PLATFORM_WINDOWS):
        return act.ActivateRequest(
            product_key=shown.product_key,
            product="products/visio-professional-2019",
            evidence=evidence(terms.deployment_salt, computer(number)),
            platform=platform,
            client=act.ClientInfo(name="journey.py", version="1"),
            request_id=os.urandom(16),
        )

    first_request = request(1)
    first = installer.Activate(first_request)
    assert first.outcome == act.ACTIVATION_OUTCOME_COUNTED_NEW_COMPUTER, "R6"
    assert installer.Activate(first_request) == first, "the same request, the same answer"
    again = installer.Activate(request(1))
    assert again.outcome == act.ACTIVATION_OUTCOME_NOT_COUNTED_SAME_COMPUTER, "R7"
    refused(
        installer.Activate,
        request(2, act.PLATFORM_MACOS),
        grpc.StatusCode.FAILED_PRECONDITION,
        "PLATFORM_NOT_ALLOWED",
    )
    for number in range(2, first.limit + 1):
        assert installer.Activate(request(number)).used == number
    refusal = refused(
        installer.Activate,
        request(99),
        grpc.StatusCode.FAILED_PRECONDITION,
        "ACTIVATION_LIMIT_REACHED",
    )
    assert refusal.ErrorInfo.metadata["limit"] == str(first.limit), "R10"
    admin = world.activation("admin")
    key = admin.GetKey(act.GetKeyRequest(name=shown.product_key_name)).key
    assert (key.used, key.remaining) == (first.limit, 0)
    refused(
        world.activation("stranger").GetKey,
        act.GetKeyRequest(name=shown.product_key_name),
        grpc.StatusCode.NOT_FOUND,
        "KEY_NOT_FOUND",
    )


def steal(world):
    """A token is worth nothing without the portal's certificate."""
    refused(
        world.catalog("thief").ListBenefits,
        cat.ListBenefitsRequest(parent="partners/contoso"),
        grpc.StatusCode.UNAUTHENTICATED,
        "TOKEN_INVALID",
        locale="en",
    )


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        world = World(json.load(file))
    benefit = enrol(world)
    shown = reveal(world, benefit)
    assert shown.first_viewed_by == "anna", "F7"
    read_the_catalog(world, benefit)
    activate(world, shown)
    if world.setting["secured"]:
        steal(world)
    for channel in world.channels:
        channel.close()
    print("the journey is over")


main()
