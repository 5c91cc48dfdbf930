"""What is handed to operators fits what it is for, as far as can be seen without a cluster."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from upf.config import parse

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
UNIT = DEPLOY / "tern-upf.service"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
OBJECTS = [
    each
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for each in yaml.safe_load_all(path.read_text())
]
CAPABILITIES = {"BPF", "NET_ADMIN", "PERFMON"}

systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def named(kind: str) -> list[dict]:
    return [each for each in OBJECTS if each["kind"] == kind]


@systemd_analyze
def test_systemd_understands_the_unit(tmp_path):
    program = tmp_path / "upf"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/tern/bin/upf", str(program)))
    verdict = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert (verdict.returncode, verdict.stderr) == (0, "")


@systemd_analyze
def test_the_unit_exposes_little():
    verdict = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=30", UNIT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verdict.returncode == 0, verdict.stdout[-300:]


@pytest.mark.parametrize("setting", ["AmbientCapabilities", "CapabilityBoundingSet"])
def test_the_unit_has_the_three_capabilities_and_no_other(setting):
    value = re.search(rf"^{setting}=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert value is not None
    assert {each.removeprefix("CAP_") for each in value[1].split()} == CAPABILITIES


def test_the_image_has_the_packages_that_running_takes():
    makefile = (ROOT / "Makefile").read_text()
    packages = re.search(r"^RUN_PACKAGES := (.*)$", makefile, re.MULTILINE)
    assert packages is not None
    last_stage = CONTAINERFILE.split("\nFROM ")[-1]
    for package in set(packages[1].split()) - {"python3-venv"}:
        assert re.search(rf"\b{package}\b", last_stage), package


def test_the_image_copies_what_is_there_and_all_that_is_installed():
    copied = [
        source
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)
        for source in sources.split()
    ]
    for source in copied:
        assert (ROOT / source).exists(), source
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert set(wheel["targets"]["wheel"]["packages"]) <= set(copied)


@pytest.mark.parametrize("version", ["1.33", "1.36"])
def test_objects_fit_the_schemas_of_kubernetes(version):
    for each in OBJECTS:
        if each["apiVersion"] != "k8s.cni.cncf.io/v1":
            kubernetes_validate.validate(each, version, strict=True)


def test_a_misspelt_field_does_not_fit():
    wrong = json.loads(json.dumps(named("StatefulSet")[0]))
    wrong["spec"]["template"]["spec"]["containers"][0]["imag"] = "x"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.33", strict=True)


def test_each_network_of_the_pod_is_defined_and_its_configuration_is_json():
    pod = named("StatefulSet")[0]["spec"]["template"]
    asked = json.loads(pod["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"])
    defined = {each["metadata"]["name"]: each for each in named("NetworkAttachmentDefinition")}
    assert {each["name"] for each in asked} == set(defined)
    for each in defined.values():
        assert json.loads(each["spec"]["config"])["ipam"]["addresses"]


def test_the_pod_runs_a_configuration_that_is_right():
    text = named("ConfigMap")[0]["data"]["upf.toml"]
    config = parse(tomllib.loads(text), source="upf.toml")
    pod = named("StatefulSet")[0]["spec"]["template"]
    networks = json.loads(pod["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"])
    assert {each.name for each in config.interface} < {each["interface"] for each in networks}
    container = pod["spec"]["containers"][0]
    assert config.state.file is not None
    assert str(config.state.file.parent) in [m["mountPath"] for m in container["volumeMounts"]]


def test_the_pod_has_the_three_capabilities_and_no_other():
    container = named("StatefulSet")[0]["spec"]["template"]["spec"]["containers"][0]
    assert container["securityContext"]["capabilities"] == {
        "drop": ["ALL"],
        "add": sorted(CAPABILITIES),
    }


@pytest.mark.parametrize("name", ["open5gs", "free5gc"])
def test_a_sample_of_an_smf_is_the_one_that_the_page_shows(name):
    sample = yaml.safe_load((DEPLOY / "smf" / f"{name}.yaml").read_text())
    page = (ROOT / "docs" / "smf.md").read_text()
    shown = [yaml.safe_load(each) for each in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    assert sample in shown
