"""Every call, fuzzed by schemathesis from the OpenAPI document against a real server: no fault of
ours, no status and no body that the document does not speak of. Bounded by numbers of examples.
"""

from __future__ import annotations

import contextlib
import os
from hashlib import sha256
from urllib.parse import quote

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api import security
from api.app import create_app
from upf.config import RESTConfig

TOKEN = "let-me-in"
AUTHORIZATION = {"Authorization": f"Bearer {TOKEN}"}
ENDLESS = "/v1/events"  # a stream
# What is valid by schema may still be refused: a condition not met, an SD without SST.
EXCLUDED = [positive_data_acceptance]
# The same examples every time, unless one asks for others.
SEED = os.environ.get("TERN_SEED")
SETTINGS = settings(
    deadline=None,
    database=None,
    derandomize=SEED is None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def seeded(test):
    return test if SEED is None else hypothesis.seed(int(SEED))(test)


@pytest.fixture
def base_url(monkeypatch, upf, serve):
    """A server of a UPF in a thread, and where it is."""
    token = {"name": "ops", "role": "operate", "sha256": sha256(TOKEN.encode()).hexdigest()}
    rest = RESTConfig.model_validate(
        {"token": [token], "requests_per_s": 1e9, "request_burst": 9e9}
    )
    upf.config = upf.config.model_copy(update={"rest": rest})
    # schemathesis tries many wrong tokens.
    monkeypatch.setattr(security, "_GUESSES", 10**9)
    return serve(create_app(upf))


@pytest.fixture
def api_schema(base_url):
    schema = schemathesis.openapi.from_url(f"{base_url}/openapi.json")
    schema.config.update(headers=AUTHORIZATION)
    return schema.exclude(path=ENDLESS)


def test_answers_are_as_documented(api_schema) -> None:
    num_operations = 0
    for each in api_schema.get_all_operations():
        operation = each.ok()
        num_operations += 1
        for mode in GenerationMode:

            @seeded
            @settings(SETTINGS, max_examples=8)
            @given(case=operation.as_strategy(generation_mode=mode))
            def is_as_documented(case):
                case.call_and_validate(headers=AUTHORIZATION, excluded_checks=EXCLUDED)

            with contextlib.suppress(hypothesis.errors.Unsatisfiable):
                is_as_documented()
    assert num_operations > 20


LINKED = ["put_slice", "get_slice", "get_slice_usage", "patch_slice", "delete_slice"]


def forget_slices(base_url) -> None:
    """Let each example begin alike: hypothesis repeats them and expects the same answers."""
    for each in httpx.get(f"{base_url}/v1/slices", headers=AUTHORIZATION).json():
        url = f"{base_url}/v1/slices/{quote(each['name'], safe='')}?force=true"
        assert httpx.delete(url, headers=AUTHORIZATION).status_code == 204


def test_slices_follow_the_links_of_the_document(api_schema, base_url) -> None:
    seen = set()

    class Machine(api_schema.include(operation_id=LINKED).as_state_machine()):
        def setup(self):
            forget_slices(base_url)

        def before_call(self, case):
            # What is refused for a condition leads nowhere.
            is_valid = case.meta.generation.mode is GenerationMode.POSITIVE
            if case.method == "PUT" and is_valid and case.headers:
                case.headers.clear()

        def get_call_kwargs(self, _case):
            return {"headers": AUTHORIZATION}

        def validate_response(self, response, case, **_):
            case.validate_response(response, excluded_checks=EXCLUDED)
            seen.add((case.method, case.path, response.status_code))

    Machine.run(settings=settings(SETTINGS, max_examples=30, stateful_step_count=6))
    one = "/v1/slices/{name}"
    assert {
        ("PUT", one, 201),
        ("GET", one, 200),
        ("PATCH", one, 200),
        ("DELETE", one, 204),
    } <= seen
