"""Reusable constructs, one AWS or Kubernetes thing each; they know nothing of architectures.

Importing this package first makes the CDKTF providers cheap to import. The generated root package
of a provider imports every one of its resources (2,212 for AWS), of which a project uses a few.
Here each root becomes a bare package, so that `from cdktf_cdktf_provider_aws.vpc import Vpc` loads
that one submodule only. Only this package imports providers.
"""

import sys
from importlib.util import find_spec, module_from_spec

for _root in (
    "cdktf_cdktf_provider_aws",
    "cdktf_cdktf_provider_helm",
    "cdktf_cdktf_provider_kubernetes",
):
    if _root not in sys.modules and (_spec := find_spec(_root)):
        sys.modules[_root] = module_from_spec(_spec)
