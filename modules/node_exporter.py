"""node-exporter on every node, for the CPU and memory breakdown in Kubecost's assets."""

from constructs import Construct

from metrics import sizes
from modules import versions
from modules.helm_release import helm_release
from modules.placement import KubecostPlacement
from modules.pods import AWAITED_ON_NO_NODE, LINUX, requests


class NodeExporter(Construct):
    """The community's chart, because Kubecost's has node-exporter only with its Prometheus."""

    def __init__(self, scope: Construct, id: str, *, at: KubecostPlacement) -> None:
        super().__init__(scope, id)
        helm_release(
            self,
            "release",
            versions.NODE_EXPORTER,
            name=f"{at.release}-node-exporter",
            namespace=at.release,
            values={
                # Scrape jobs find the pods; a Service's annotation would attract other scrapers.
                "service": {"enabled": False, "port": at.node_exporter_port},
                "updateStrategy": AWAITED_ON_NO_NODE,
                "nodeSelector": LINUX,
                "resources": requests(sizes.NODE_EXPORTER),
            },
            user_values=at.workloads.values.node_exporter,
            workloads=at.workloads,
            depends_on=at.ready,
        )
