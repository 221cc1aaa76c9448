"""The stack `base`: a VPC and an EKS cluster for any overlay."""

from cdktf import TerraformOutput
from constructs import Construct

from modules.eks_cluster import EksCluster
from modules.network import Network
from settings import Settings
from stacks.stack import Stack


class Base(Stack):
    """Network, control plane, nodes and add-ons."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(
            scope, "base", state=settings.state, region=settings.region, tags=settings.tags
        )
        network = Network(
            self, "network", settings.base, name=settings.name, region=settings.region
        )
        cluster = EksCluster(
            self,
            "eks",
            settings.base,
            name=settings.name,
            region=settings.region,
            volumes_key=settings.kms.volumes,
            pod_identity=settings.workloads.identity == "pod_identity",
            network=network,
            tags=settings.tags,
        )
        TerraformOutput(self, "cluster_name", value=cluster.name)
        TerraformOutput(
            self,
            "kubeconfig",
            value=f"aws eks update-kubeconfig --name {settings.name} --region {settings.region}",
            description="Lets kubectl talk to the cluster",
        )
        TerraformOutput(self, "vpc_id", value=network.vpc_id)
        TerraformOutput(self, "private_subnet_ids", value=network.private_subnet_ids)
        TerraformOutput(self, "public_subnet_ids", value=network.public_subnet_ids)
