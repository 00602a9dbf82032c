"""Write a software bill of materials (CycloneDX 1.6): `python deploy/sbom.py > sbom.json`.

It has what `requirements.txt` locks, with the SHA-256 of each file that may be installed, and what is in static/vendor.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parent.parent
_PIN = re.compile(r"^([a-z0-9._-]+)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def pinned(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Give name, version and SHA-256s of each requirement of a locked file."""
    for entry in re.sub(r"\\\n\s*", " ", text).splitlines():
        if pin := _PIN.match(entry):
            yield pin[1], pin[2], _HASH.findall(entry)


def components() -> Iterator[Component]:
    for name, version, hashes in pinned((ROOT / "requirements.txt").read_text()):
        yield _component("pypi", name, version, hashes)
    vendored = json.loads((ROOT / "static" / "vendor" / "vendor.json").read_text())
    for package in vendored["packages"]:
        files = [
            Component(name=file, type=ComponentType.FILE, hashes=_hashes([digest]), bom_ref=file)
            for file, digest in package["files"].items()
        ]
        found = _component("npm", package["name"], package["version"], [])
        found.licenses.add(LicenseFactory().make_from_string(package["licence"]))
        found.components.update(files)
        yield found


def bill() -> str:
    """Give the bill of materials as JSON."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    site = Component(name=project["name"], version=project["version"], type=ComponentType.APPLICATION)
    site.licenses.add(LicenseFactory().make_from_string(project["license"]))
    bom = Bom(components=components())
    bom.metadata.component = site
    bom.register_dependency(site, bom.components)
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def _component(kind: str, name: str, version: str, hashes: list[str]) -> Component:
    space, _, own = name.rpartition("/")
    address = PackageURL(kind, space or None, own, version)
    return Component(
        name=own,
        group=space or None,
        version=version,
        type=ComponentType.LIBRARY,
        purl=address,
        bom_ref=str(address),
        hashes=_hashes(hashes),
    )


def _hashes(digests: list[str]) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in digests]


if __name__ == "__main__":
    sys.stdout.write(bill() + "\n")
