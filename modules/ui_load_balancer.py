"""Kubecost's UI behind a network load balancer with an allow-list."""

from cdktf import ITerraformDependable, TerraformOutput
from cdktf_cdktf_provider_kubernetes.service_v1 import (
    ServiceV1,
    ServiceV1Metadata,
    ServiceV1Spec,
    ServiceV1SpecPort,
)
from constructs import Construct

from modules.placement import Placement
from settings import KubecostSettings

UI_PORT = 9090

_SCHEMES = {"internal": "internal", "internet": "internet-facing"}


class UiLoadBalancer(Construct):
    """A Service of type LoadBalancer for the UI's port alone.

    The chart's own Service would publish port 9003, too: cost-model's API and metrics. The AWS
    Load Balancer Controller must run (stack `load_balancer`). Terraform waits for the balancer;
    on destroy it waits until it is gone, so that no interface is left in the VPC.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        settings: KubecostSettings,
        *,
        at: Placement,
        release: ITerraformDependable,
    ) -> None:
        super().__init__(scope, id)
        annotation = "service.beta.kubernetes.io/aws-load-balancer"
        service = ServiceV1(
            self,
            "service",
            metadata=ServiceV1Metadata(
                name=f"{at.release}-ui",
                namespace=at.release,
                annotations={
                    f"{annotation}-nlb-target-type": "ip",
                    f"{annotation}-scheme": _SCHEMES[settings.expose],
                },
            ),
            spec=ServiceV1Spec(
                type="LoadBalancer",
                load_balancer_class="service.k8s.aws/nlb",
                load_balancer_source_ranges=list(settings.allowed_cidrs),
                selector={
                    "app.kubernetes.io/name": "cost-analyzer",
                    "app.kubernetes.io/instance": at.release,
                },
                port=[ServiceV1SpecPort(name="ui", port=UI_PORT, target_port=str(UI_PORT))],
            ),
            depends_on=[release],
        )
        host = service.status.get(0).load_balancer.get(0).ingress.get(0).hostname
        TerraformOutput(
            self,
            "url",
            value=f"http://{host}:{UI_PORT}",
            description="Kubecost's UI, for the blocks in kubecost.allowed_cidrs; it has no login",
        )
