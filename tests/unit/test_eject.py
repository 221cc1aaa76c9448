"""Ring 1: what of Terraform's JSON means what in HCL."""

from typing import Any

import pytest

from tools.eject import to_hcl

# As `terraform providers schema -json` tells of the helm and kubernetes providers: an attribute
# with attributes inside, and blocks.
HELM = {
    "provider": {"block": {"attributes": {"kubernetes": {"nested_type": {}}}}},
    "resource_schemas": {
        "helm_release": {"block": {"attributes": {"values": {"type": ["list", "string"]}}}}
    },
}
KUBERNETES = {
    "provider": {"block": {"block_types": {"exec": {"block": {}}}}},
    "resource_schemas": {
        "kubernetes_namespace_v1": {"block": {"block_types": {"metadata": {"block": {}}}}}
    },
}
SCHEMAS = {
    "provider_schemas": {
        "registry.terraform.io/hashicorp/helm": HELM,
        "registry.terraform.io/hashicorp/kubernetes": KUBERNETES,
    }
}
REQUIRED = {"helm": {"source": "hashicorp/helm"}, "kubernetes": {"source": "hashicorp/kubernetes"}}


def written(**sections: Any) -> str:
    text = to_hcl({"terraform": {"required_providers": REQUIRED}, **sections}, SCHEMAS)
    return text.partition("\n}\n\n")[2].strip()


def output(value: Any) -> str:
    text = written(output={"x": {"value": value}})
    return text.removeprefix('output "x" {\nvalue = ').removesuffix("\n}")


def test_blocks_and_attributes_are_told_apart() -> None:
    exec_ = {"command": "aws", "args": ["eks", "get-token"]}
    inside = 'command = "aws"\nargs = [\n"eks",\n"get-token",\n]'
    assert written(
        provider={"helm": [{"kubernetes": {"exec": exec_}}], "kubernetes": [{"exec": [exec_]}]},
        resource={"kubernetes_namespace_v1": {"place": {"metadata": {"name": "kubecost"}}}},
    ) == (
        f'provider "helm" {{\nkubernetes = {{\nexec = {{\n{inside}\n}}\n}}\n}}\n\n'
        f'provider "kubernetes" {{\nexec {{\n{inside}\n}}\n}}\n\n'
        'resource "kubernetes_namespace_v1" "place" {\nmetadata {\nname = "kubecost"\n}\n}'
    )


def test_providers_are_found_in_the_registry_of_opentofu() -> None:
    of_opentofu = {
        address.replace("registry.terraform.io", "registry.opentofu.org"): schema
        for address, schema in SCHEMAS["provider_schemas"].items()
    }
    stack = {
        "terraform": {"required_providers": REQUIRED},
        "resource": {"kubernetes_namespace_v1": {"place": {"metadata": {"name": "kubecost"}}}},
    }
    assert to_hcl(stack, {"provider_schemas": of_opentofu}) == to_hcl(stack, SCHEMAS)


def test_long_texts_are_here_documents() -> None:
    release = {"values": ['a: "b"\nc: $${not.terraform} ${aws_x.y}\n'], "depends_on": ["aws_x.y"]}
    assert written(resource={"helm_release": {"kubecost": release}}) == (
        'resource "helm_release" "kubecost" {\nvalues = [<<EOT\na: "b"\n'
        "c: $${not.terraform} ${aws_x.y}\nEOT\n]\ndepends_on = [aws_x.y]\n}"
    )
    assert output("a\nEOT\nb") == "chomp(<<EOT_\na\nEOT\nb\nEOT_\n)"


@pytest.mark.parametrize(
    ("json_value", "hcl"),
    [
        ("plain", '"plain"'),
        ("${aws_x.y.id}", "aws_x.y.id"),
        ("${a}${b}", '"${a}${b}"'),
        ('a "b" \\ c', '"a \\"b\\" \\\\ c"'),
        ("a\tb\r\nc", '"a\\tb\\r\\nc"'),
        ('${replace(a, "}", "x")}-"', '"${replace(a, "}", "x")}-\\""'),
        ('${f("${g({})}")}', 'f("${g({})}")'),
        ("%{ if a }b%{ endif }", '"%{ if a }b%{ endif }"'),
        ("$${a} %%{b}", '"$${a} %%{b}"'),
        ([1, True, None], "[\n1,\ntrue,\nnull,\n]"),
        ({"a-b": 1, "c/d": "e"}, '{\na-b = 1\n"c/d" = "e"\n}'),
    ],
)
def test_texts_and_values(json_value: Any, hcl: str) -> None:
    assert output(json_value) == hcl


def test_what_no_stack_has_is_refused() -> None:
    with pytest.raises(ValueError, match="locals"):
        written(locals={"a": 1})
    with pytest.raises(ValueError, match="dynamic"):
        written(resource={"helm_release": {"x": {"dynamic": {}}}})
