"""A UI behind a network load balancer with an allow-list."""

from cdktf import ITerraformDependable, TerraformOutput
from cdktf_cdktf_provider_kubernetes.service_v1 import (
    ServiceV1,
    ServiceV1Metadata,
    ServiceV1Spec,
    ServiceV1SpecPort,
)
from constructs import Construct

from settings import KubecostSettings

_SCHEMES = {"internal": "internal", "internet": "internet-facing"}


class UiLoadBalancer(Construct):
    """A Service of type LoadBalancer for the UI's port alone.

    The Service of Kubecost's chart would publish port 9003, too: cost-model's API and metrics. The
    AWS Load Balancer Controller must run (stack `load_balancer`). Terraform waits for the
    balancer; on destroy it waits until it is gone, so that no interface is left in the VPC.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        settings: KubecostSettings,
        *,
        namespace: str,
        name: str,
        selector: dict[str, str],
        port: int,
        ip_address_type: str,
        release: ITerraformDependable,
    ) -> None:
        super().__init__(scope, id)
        annotation = "service.beta.kubernetes.io/aws-load-balancer"
        service = ServiceV1(
            self,
            "service",
            metadata=ServiceV1Metadata(
                name=name,
                namespace=namespace,
                annotations={
                    f"{annotation}-ip-address-type": ip_address_type,
                    f"{annotation}-nlb-target-type": "ip",
                    f"{annotation}-scheme": _SCHEMES[settings.expose],
                },
            ),
            spec=ServiceV1Spec(
                type="LoadBalancer",
                load_balancer_class="service.k8s.aws/nlb",
                load_balancer_source_ranges=list(settings.allowed_cidrs),
                selector=selector,
                port=[ServiceV1SpecPort(name="ui", port=port, target_port=str(port))],
            ),
            depends_on=[release],
        )
        host = service.status.get(0).load_balancer.get(0).ingress.get(0).hostname
        TerraformOutput(
            self,
            "url",
            value=f"http://{host}:{port}",
            description="For the blocks in kubecost.allowed_cidrs; without TLS",
        )
