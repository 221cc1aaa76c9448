"""Values that the pods of every chart share; plain data."""

import math
from typing import Any

from metrics.sizes import Size

# Helm's `wait` requires a ready pod of a DaemonSet on every node, less `maxUnavailable` (Helm
# v3.18, pkg/kube/ready.go, `daemonSetReady`). So a node that is full, new or leaving would fail the
# deployment. `make verify` checks these pods.
AWAITED_ON_NO_NODE: dict[str, Any] = {
    "type": "RollingUpdate",
    "rollingUpdate": {"maxUnavailable": "100%"},
}

# EKS does not taint Windows nodes, and every image here is for Linux.
LINUX = {"kubernetes.io/os": "linux"}


def requests(size: Size) -> dict[str, Any]:
    """Request what a container uses, because pods without requests are evicted first."""
    return {
        "requests": {
            "cpu": f"{math.ceil(round(size.cores * 1000, 3))}m",
            "memory": f"{math.ceil(size.memory / 1024**2)}Mi",
        }
    }
