"""What the picture of exposed UIs shows: the way from a browser to Kubecost and Grafana.

The settings are those in exposed.yaml; what stands behind the UIs is in the architecture's picture.
"""

import json
from collections.abc import Iterator, Mapping

from diagrams.aws.general import User
from diagrams.aws.network import ElbApplicationLoadBalancer, Route53
from diagrams.aws.security import CertificateManager, Cognito
from diagrams.k8s.compute import Deploy
from diagrams.k8s.network import NetworkPolicy
from diagrams.onprem.monitoring import Grafana

from modules.ui_ingress import SSL_POLICY
from tools.pictures import frames
from tools.pictures.components import components
from tools.pictures.left_out import LEFT_OUT, LEFT_OUT_OF_EXPOSED, LEFT_OUT_OF_FLEET
from tools.pictures.marks import KUBECOST
from tools.pictures.picture import (
    LOGIN,
    OPEN,
    SET_UP,
    Box,
    Flow,
    Item,
    Part,
    Picture,
    Text,
    true_items,
)
from tools.synthesis import Stack

HUB = "prom_amp"
POOL = "load_balancer:aws_cognito_user_pool.user_pool"
DOMAIN = "load_balancer:aws_cognito_user_pool_domain.user_pool_domain"
CONTROLLER = "load_balancer:helm_release.controller_release"
CONTROLLER_ROLE = "load_balancer:aws_iam_role.controller_role"
CNI = "base:aws_eks_addon.eks_vpc_cni"
# The UIs: the stack, the name of the module, its row and what its policy is called.
UIS = {
    "kubecost": (HUB, "kubecost", 244, "cost_analyzer"),
    "grafana": ("grafana", "grafana", 346, "grafana"),
}

HEIGHT = 528
BALANCER, ROW, UI = 236, 294, 456


def picture(stacks: Mapping[str, Stack]) -> Picture:
    """Draw how UIs are exposed.

    Raises:
        PictureError: the stacks have what the picture does not account for.
    """
    found = components(stacks)
    summary = "One load balancer for all UIs of a cluster, with TLS and a login in front."
    items = [
        *_places(),
        *_balancer(found),
        *_login(found),
        *(item for name in UIS for item in _ui(name, found)),
        *_controller(),
    ]
    left_out = LEFT_OUT | LEFT_OUT_OF_FLEET | LEFT_OUT_OF_EXPOSED
    return Picture(
        "exposed",
        summary,
        HEIGHT,
        true_items(items, found, left_out),
        icons={NetworkPolicy: "NetworkPolicy", CertificateManager: "certificate of ACM"},
    )


def _ingress(name: str) -> str:
    stack, module, _, _ = UIS[name]
    return f"{stack}:kubernetes_ingress_v1.{module}_ui"


def _places() -> Iterator[Item]:
    yield Box(
        (150, 150),
        (666, 334),
        frames.VPC,
        "VPC",
        shows=("base:aws_vpc.network_vpc",),
    )
    yield Box(
        (392, 162),
        (414, 312),
        frames.CLUSTER,
        "EKS cluster",
        shows=("base:aws_eks_cluster.eks_cluster",),
    )


def _balancer(found: Mapping[str, str]) -> Iterator[Item]:
    ingresses = tuple(_ingress(name) for name in UIS)
    annotations = json.loads(found[ingresses[0]])["metadata"]["annotations"]
    prefix = "alb.ingress.kubernetes.io"
    group = f'"{prefix}/group.name": "{annotations[f"{prefix}/group.name"]}"'
    yield Part(
        "balancer",
        ElbApplicationLoadBalancer,
        (BALANCER, ROW),
        shows=ingresses,
        names=tuple((ingress, word) for ingress in ingresses for word in (group, SSL_POLICY)),
        title="load balancer",
        note=annotations[f"{prefix}/scheme"],
    )
    issued, records = [], []
    for name, ingress in zip(UIS, ingresses, strict=True):
        stack, module, _, _ = UIS[name]
        certificate = f"{stack}:aws_acm_certificate.{module}_ui_certificate"
        valid = f"{stack}:aws_acm_certificate_validation.{module}_ui_certificate_issued"
        record = f"{stack}:aws_route53_record.{module}_ui_record"
        issued.append(((ingress, valid), (valid, certificate)))
        records.append((record, ingress))
    yield Part(
        "certificates",
        CertificateManager,
        (BALANCER + 28, ROW - 52),
        shows=tuple(component for pairs in issued for _, component in pairs),
        names=tuple(pair for pairs in issued for pair in pairs),
        size=20,
        aside="TLS 1.2, 1.3",
    )
    yield Part("person", User, (60, ROW), shows=ingresses, note="browser")
    yield Flow(
        OPEN,
        "person",
        "balancer",
        ((84, ROW), (BALANCER - 22, ROW)),
        shows=ingresses,
        names=tuple((ingress, f'"{prefix}/ssl-redirect": "443"') for ingress in ingresses),
        label="HTTPS",
        label_at=(92, ROW - 12),
    )
    yield Part(
        "names",
        Route53,
        (60, 424),
        shows=tuple(record for record, _ in records),
        title="Route 53",
    )
    yield Flow(
        OPEN,
        "names",
        "balancer",
        ((84, 424), (178, 424), (178, ROW + 12), (BALANCER - 22, ROW + 12)),
        shows=tuple(record for record, _ in records),
        names=tuple(records),
        label="alias",
        label_at=(96, 412),
    )


def _login(found: Mapping[str, str]) -> Iterator[Item]:
    names: list[tuple[str, str]] = [(DOMAIN, POOL), (POOL, '"mfa_configuration": "ON"')]
    names.append((POOL, '"allow_admin_create_user_only": true'))
    shows = [POOL, DOMAIN]
    for name, (stack, module, _, _) in UIS.items():
        client = f"{stack}:aws_cognito_user_pool_client.{module}_ui_login_client"
        pool = f"{stack}:data.aws_cognito_user_pools.{module}_ui_login_pool"
        shows += [client, pool]
        names += [(_ingress(name), client), (_ingress(name), "authenticate"), (client, pool)]
        names.append((pool, json.loads(found[POOL])["name"]))
    yield Part("pool", Cognito, (BALANCER, 108), shows=(POOL, DOMAIN), names=tuple(names))
    yield Text((266, 100), "Cognito user pool", shows=(POOL,), align="left", bold=True, size=13)
    yield Text((266, 117), "MFA on; admins add users", shows=(POOL,), align="left")
    yield Flow(
        LOGIN,
        "balancer",
        "pool",
        ((BALANCER, ROW - 22), (BALANCER, 132)),
        shows=tuple(shows),
        label="anyone without a session",
        label_at=(BALANCER + 8, 196),
    )


def _ui(name: str, found: Mapping[str, str]) -> Iterator[Item]:
    stack, module, y, policy_name = UIS[name]
    namespace = f"{stack}:kubernetes_namespace_v1.place_namespace"
    ingress, release = _ingress(name), f"{stack}:helm_release.{module}_release"
    policy = f"{stack}:kubernetes_network_policy_v1.{module}_policy_{policy_name}"
    deny_all = f"{stack}:kubernetes_network_policy_v1.place_policy_deny_all"
    title = json.loads(found[namespace])["metadata"]["name"]
    (rule,) = json.loads(found[ingress])["spec"]["rule"]
    yield Box(
        (402, y - 56),
        (394, 96),
        frames.NAMESPACE,
        f"namespace {title}",
        shows=(namespace,),
    )
    yield Part(
        name,
        Grafana if name == "grafana" else KUBECOST,
        (UI, y - 12),
        shows=(release,),
        size=36,
        title="Grafana" if name == "grafana" else "Kubecost UI",
    )
    bend = ROW - 8 if y < ROW else ROW
    yield Flow(
        OPEN,
        "balancer",
        name,
        ((BALANCER + 22, bend), (372, bend), (372, y - 12), (UI - 20, y - 12)),
        shows=(ingress,),
        names=((ingress, rule["host"]),),
    )
    yield Text((552, y - 24), rule["host"], shows=(ingress,), align="left", bold=True)
    # Where an internal load balancer is, and the API server's interfaces are.
    entry = json.loads(found["base:aws_subnet.network_entry_0"])["cidr_block"]
    yield Part(
        f"{name} policy",
        NetworkPolicy,
        (562, y),
        shows=(policy, deny_all, CNI),
        names=(
            (policy, entry),
            (deny_all, '"pod_selector": {}'),
            (CNI, "enableNetworkPolicy"),
        ),
        size=20,
        aside="from the subnets of load\nbalancer and API server only",
    )


def _controller() -> Iterator[Item]:
    y, annotation = 440, f"{CONTROLLER}/serviceAccount.annotations.eks.amazonaws.com/role-arn"
    policy = f"{CONTROLLER_ROLE.replace('iam_role', 'iam_role_policy')}_policy"
    yield Part("controller", Deploy, (UI, y), shows=(CONTROLLER,), size=32)
    yield Text(
        (UI + 24, y),
        "AWS Load Balancer Controller",
        shows=(CONTROLLER,),
        align="left",
        bold=True,
        size=13,
    )
    yield Flow(
        SET_UP,
        "controller",
        "balancer",
        ((UI - 18, y), (336, y), (336, ROW + 10), (BALANCER + 22, ROW + 10)),
        shows=(CONTROLLER, CONTROLLER_ROLE, policy, annotation),
        names=((annotation, CONTROLLER_ROLE), (policy, "elasticloadbalancing:CreateListener")),
    )
