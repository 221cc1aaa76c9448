"""What the pods of every chart share; plain data."""

import math
from typing import Any

from metrics.sizes import Size

# Helm's `wait` wants as many pods of a DaemonSet ready as there are nodes, less `maxUnavailable`
# (Helm v3.18, pkg/kube/ready.go, `daemonSetReady`). A node that is full, or comes or goes, would
# fail the deployment; `make verify` looks at these pods.
AWAITED_ON_NO_NODE: dict[str, Any] = {
    "type": "RollingUpdate",
    "rollingUpdate": {"maxUnavailable": "100%"},
}

# EKS does not taint Windows nodes, and every image here is for Linux.
LINUX = {"kubernetes.io/os": "linux"}


def requests(size: Size) -> dict[str, Any]:
    """Ask for what a container takes; pods that ask for nothing are the first to be evicted."""
    return {
        "requests": {
            "cpu": f"{math.ceil(round(size.cores * 1000, 3))}m",
            "memory": f"{math.ceil(size.memory / 1024**2)}Mi",
        }
    }
