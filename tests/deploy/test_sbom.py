"""The bill of materials names everything that is installed or shipped, as its format wants it."""

import json
import re

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.sbom import bill
from tests.documentation import ROOT


@pytest.fixture(scope="module")
def written():
    return bill()


def test_it_is_what_the_format_allows(written):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None


def test_it_names_each_locked_package_and_each_vendored_file_with_their_hashes(written):
    components = {part["purl"]: part for part in json.loads(written)["components"]}
    locked = (ROOT / "requirements.txt").read_text()
    pins = re.findall(r"^([\w.-]+)==([^\s;\\]+)", locked, re.M)
    assert {f"pkg:pypi/{name}@{version}" for name, version in pins} == {
        name for name in components if name.startswith("pkg:pypi/")
    }
    hashes = {each["content"] for part in components.values() for each in part.get("hashes", ())}
    assert hashes == set(re.findall(r"sha256:(\w+)", locked))
    table = json.loads((ROOT / "static" / "vendor" / "vendor.json").read_text())["packages"]
    files = {
        file["name"]: file["hashes"][0]["content"]
        for part in components.values()
        for file in part.get("components", ())
    }
    assert files == {name: digest for package in table for name, digest in package["files"].items()}
