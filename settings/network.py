"""Blocks of addresses: the subnets of base's VPC, and the blocks in NetworkPolicies."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated

from settings.kinds import AsTuple, Cidr, NotEmpty
from settings.section import Section


class NetworkPolicySettings(Section):
    """NetworkPolicies on an existing cluster: the subnets' blocks that they are written with.

    Pods must have addresses outside of `load_balancers` and `control_plane`: policies cannot tell
    a pod there from the load balancer.
    """

    control_plane: Annotated[tuple[Cidr, ...], AsTuple, NotEmpty]
    """Blocks of the subnets with the control plane's interfaces and AMP's scraper."""
    nodes: Annotated[tuple[Cidr, ...], AsTuple, NotEmpty]
    """Blocks of the subnets with the nodes."""
    load_balancers: Annotated[tuple[Cidr, ...], AsTuple] = ()
    """Blocks of the subnets with the load balancer of the UIs; required if they are exposed."""


@dataclass(frozen=True)
class Blocks:
    """The blocks of addresses that NetworkPolicies use.

    Attributes:
        control_plane: the control plane's interfaces, and AMP's managed scraper.
        nodes: nodes, and the pods on their network.
        load_balancers: the load balancer of the UIs.
    """

    control_plane: tuple[str, ...]
    nodes: tuple[str, ...]
    load_balancers: tuple[str, ...]


@dataclass(frozen=True)
class Subnets:
    """Blocks of the subnets of base's VPC, one of each kind for each zone.

    Three quarters of the VPC are for nodes and pods. Three quarters of the rest are for public
    subnets. What is left is for the entry subnets, with control plane, AMP's scraper and internal
    load balancers. No pod has an address in them, so NetworkPolicies can tell them from pods.
    """

    private: tuple[str, ...]
    public: tuple[str, ...]
    entry: tuple[str, ...]

    @classmethod
    def of(cls, vpc_cidr: str, zones: int) -> "Subnets":
        """Divide a VPC's block."""
        *private, last = IPv4Network(vpc_cidr).subnets(prefixlen_diff=2)
        *public, rest = last.subnets(prefixlen_diff=2)
        entry = rest.subnets(prefixlen_diff=2)
        private_cidrs, public_cidrs, entry_cidrs = (
            tuple(str(block) for _, block in zip(range(zones), blocks, strict=False))
            for blocks in (private, public, entry)
        )
        return cls(private_cidrs, public_cidrs, entry_cidrs)

    def blocks(self, *, internet: bool) -> Blocks:
        """Return the blocks for NetworkPolicies; `internet`: the load balancer is public."""
        return Blocks(self.entry, self.private, self.public if internet else self.entry)
