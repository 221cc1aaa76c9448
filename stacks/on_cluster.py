"""The Kubernetes and Helm providers for a cluster."""

from typing import Literal

from cdktf_cdktf_provider_aws.data_aws_eks_cluster_auth import DataAwsEksClusterAuth
from cdktf_cdktf_provider_helm.provider import (
    HelmProvider,
    HelmProviderKubernetes,
    HelmProviderKubernetesExec,
)
from cdktf_cdktf_provider_kubernetes.provider import KubernetesProvider, KubernetesProviderExec

from modules.cluster_lookup import ClusterLookup
from stacks.stack import Stack

_EXEC_API = "client.authentication.k8s.io/v1beta1"


def connect(stack: Stack, cluster: ClusterLookup, *, auth: Literal["exec", "token"]) -> None:
    """Let a stack talk to a cluster.

    `exec` asks the aws command line for a fresh token at every connection. `token` needs no
    command line, as in Terraform Cloud; it is valid for 15 minutes from the start of the plan.
    """
    stack.require_provider("kubernetes")
    stack.require_provider("helm")
    host, ca_certificate = cluster.endpoint, cluster.ca_certificate
    if auth == "token":
        token = DataAwsEksClusterAuth(stack, "cluster_token", name=cluster.name).token
        KubernetesProvider(
            stack, "kubernetes", host=host, cluster_ca_certificate=ca_certificate, token=token
        )
        kubernetes = HelmProviderKubernetes(
            host=host, cluster_ca_certificate=ca_certificate, token=token
        )
    else:
        command = "aws"
        args = ["eks", "get-token", "--cluster-name", cluster.name, "--region", cluster.region]
        if cluster.role_arn:
            args += ["--role-arn", cluster.role_arn]
        KubernetesProvider(
            stack,
            "kubernetes",
            host=host,
            cluster_ca_certificate=ca_certificate,
            exec=[KubernetesProviderExec(api_version=_EXEC_API, command=command, args=args)],
        )
        kubernetes = HelmProviderKubernetes(
            host=host,
            cluster_ca_certificate=ca_certificate,
            exec=HelmProviderKubernetesExec(api_version=_EXEC_API, command=command, args=args),
        )
    HelmProvider(stack, "helm", kubernetes=kubernetes)
