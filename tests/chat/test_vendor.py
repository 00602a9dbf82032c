"""Third-party front-end files are exactly those that the table names, with their licences."""

import hashlib
import json
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
PACKAGES = json.loads((VENDOR / "vendor.json").read_text())["packages"]
LISTED = {name: digest for package in PACKAGES for name, digest in package["files"].items()}


def test_each_vendored_file_has_the_hash_in_the_table():
    found = {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in LISTED}
    assert found == LISTED


def test_no_file_lies_in_vendor_that_the_table_does_not_name():
    present = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert present - {"vendor.json"} == set(LISTED)


def test_each_package_names_its_version_and_brings_its_licence():
    assert PACKAGES
    for package in PACKAGES:
        folder = next(iter(package["files"])).split("/")[0]
        assert package["version"]
        assert package["licence"]
        assert f"{folder}/LICENSE" in package["files"]


def test_no_vendored_file_asks_for_a_file_that_is_not_there():
    for name in LISTED:
        if name.endswith((".js", ".css")):
            text = (VENDOR / name).read_text()
            assert "sourceMappingURL" not in text, name
            assert ".ttf" not in text, name
