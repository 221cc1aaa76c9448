"""What the pods of every chart share; plain data."""

from typing import Any

# Helm's `wait` wants as many pods of a DaemonSet ready as there are nodes, less `maxUnavailable`
# (Helm v3.18, pkg/kube/ready.go, `daemonSetReady`). A node that is full, or comes or goes, would
# fail the deployment; `make verify` looks at these pods.
AWAITED_ON_NO_NODE: dict[str, Any] = {
    "type": "RollingUpdate",
    "rollingUpdate": {"maxUnavailable": "100%"},
}

# EKS does not taint Windows nodes, and every image here is for Linux.
LINUX = {"kubernetes.io/os": "linux"}
