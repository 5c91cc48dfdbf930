"""The OpenAPI document says everything: each call, each error, each with an example."""

from __future__ import annotations

import jsonschema_rs
import pytest

from api.examples import ANSWERS


@pytest.fixture
async def document(http):
    return (await http.get("/openapi.json")).json()


def calls(document):
    for path, verbs in document["paths"].items():
        for verb, call in verbs.items():
            yield f"{verb} {path}", call


def test_every_call_has_a_name_a_summary_and_a_tag(document) -> None:
    described = {each["name"] for each in document["tags"]}
    for where, call in calls(document):
        assert call.get("summary"), where
        assert set(call["tags"]) <= described, where


def test_every_error_is_a_problem_with_an_example(document) -> None:
    for where, call in calls(document):
        for status, answer in call["responses"].items():
            if int(status) < 400 or where.endswith(("/health", "/health/ready")):
                continue
            problem = answer["content"]["application/problem+json"]
            assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}, where
            assert problem["example"]["status"] == int(status), where


def test_every_body_has_an_example_that_is_taken(document) -> None:
    for where, call in calls(document):
        if "requestBody" not in call:
            continue
        schema = call["requestBody"]["content"]["application/json"]["schema"]
        name = schema["$ref"].rpartition("/")[2]
        assert document["components"]["schemas"][name]["examples"], where


async def test_the_examples_of_slices_work(http, document) -> None:
    schemas = document["components"]["schemas"]
    (body,) = schemas["SliceBody"]["examples"]
    (patch,) = schemas["SlicePatch"]["examples"]
    (sdcore,) = schemas["NetworkSlice"]["examples"]
    assert (await http.put("/v1/slices/video", json=body)).status_code == 201
    assert (await http.patch("/v1/slices/video", json=patch)).status_code == 200
    assert (await http.post("/v1/config/network-slices", json=sdcore)).status_code == 201


def test_tokens_are_asked_for_everywhere_but_at_health(document) -> None:
    for where, call in calls(document):
        assert ("security" in call) != ("/health" in where), where


def test_all_references_lead_somewhere(document) -> None:
    def references(value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for each in value.values():
                yield from references(each)
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def test_every_answer_has_an_example_of_its_schema(document) -> None:
    for where, call in calls(document):
        for status, answer in call["responses"].items():
            for kind, body in answer.get("content", {}).items():
                assert "example" in body, f"{where} {status} {kind}: add it to api/examples.py"
                schema = {**body.get("schema", {}), "components": document["components"]}
                jsonschema_rs.validate(schema, body["example"])
    assert ANSWERS.keys() <= {where for where, _ in calls(document)}
