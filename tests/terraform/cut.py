"""Cuts out of a stack what needs providers that cannot be had, and says what it cut."""

import json
import re
from copy import deepcopy
from typing import Any

Stack = dict[str, Any]

# What somebody outside of Terraform answers, which the rest of a stack needs: the load balancer
# controller writes the load balancer's name into the status of an Ingress.
LOAD_BALANCER = "internal-k8s-kubecost-0123456789.elb.amazonaws.com"
_STATUS = re.compile(r"\$\{kubernetes_ingress_v1\.\w+\.status\[0\][\w.\[\]]+\.hostname\}")


def cut(stack: Stack, missing: set[str]) -> tuple[Stack, list[str]]:
    """Give the stack without the providers in `missing`, and the addresses that went with them.

    References to what was cut disappear from depends_on, and with the outputs that hold them. The
    name of an Ingress's load balancer becomes `LOAD_BALANCER`.
    Anything else that refers to it cannot be kept honestly: ValueError.
    """
    kept = deepcopy(stack)
    for provider in missing:
        kept["terraform"]["required_providers"].pop(provider, None)
        kept.get("provider", {}).pop(provider, None)
    removed = []
    for section, prefix in (("resource", ""), ("data", "data.")):
        for kind in [k for k in kept.get(section, {}) if k.split("_")[0] in missing]:
            removed += [f"{prefix}{kind}.{name}" for name in kept[section].pop(kind)]
    for name, output in list(kept.get("output", {}).items()):
        if _refers(output, removed):
            del kept["output"][name]
            removed.append(f"output.{name}")
    for kind, named in kept.get("resource", {}).items():
        for name, resource in named.items():
            waits = [each for each in resource.get("depends_on", []) if each not in removed]
            if "depends_on" in resource:
                resource["depends_on"] = waits
            if "kubernetes" in missing:
                resource = named[name] = json.loads(
                    _STATUS.sub(LOAD_BALANCER, json.dumps(resource))
                )
            if _refers(resource, removed):
                raise ValueError(f"{kind}.{name} cannot do without one of {removed}")
    # Terraform refuses a section without a block.
    return {section: blocks for section, blocks in kept.items() if blocks}, removed


def _refers(data: Any, addresses: list[str]) -> bool:
    text = json.dumps(data)
    return any(address in text for address in addresses)
