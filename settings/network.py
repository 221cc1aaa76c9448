"""Blocks of addresses: how base's VPC is cut, and what NetworkPolicies must know of a cluster."""

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
    """Who has which addresses, as far as NetworkPolicies are written with them.

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

    The VPC is cut in quarters: three for nodes and pods. Of the last, three quarters are for public
    subnets, and the rest for the entry subnets: control plane, AMP's scraper and internal load
    balancers. No pod has an address there, so NetworkPolicies can tell them from pods.
    """

    private: tuple[str, ...]
    public: tuple[str, ...]
    entry: tuple[str, ...]

    @classmethod
    def of(cls, vpc_cidr: str, zones: int) -> "Subnets":
        """Cut a VPC's block."""
        *private, last = IPv4Network(vpc_cidr).subnets(prefixlen_diff=2)
        *public, rest = last.subnets(prefixlen_diff=2)
        entry = rest.subnets(prefixlen_diff=2)
        private_cidrs, public_cidrs, entry_cidrs = (
            tuple(str(block) for _, block in zip(range(zones), blocks, strict=False))
            for blocks in (private, public, entry)
        )
        return cls(private_cidrs, public_cidrs, entry_cidrs)

    def blocks(self, *, internet: bool) -> Blocks:
        """Say who has which addresses; the load balancer is public or not."""
        return Blocks(self.entry, self.private, self.public if internet else self.entry)
