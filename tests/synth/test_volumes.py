"""Ring 2: the volumes that the chart makes follow the Helm values in force."""

from typing import Any

import pytest
import yaml

from modules.volumes import Claim, claims

KUBECOST, PROMETHEUS = "kubecost-prom-cost-analyzer", "kubecost-prom-prometheus-server"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("{}", [(KUBECOST, None), (PROMETHEUS, None)]),
        ("{persistentVolume: {enabled: false}}", [(PROMETHEUS, None)]),
        ("{persistentVolume: null}", [(PROMETHEUS, None)]),
        (
            "{persistentVolume: {enabled: false},"
            " prometheus: {server: {persistentVolume: {enabled: false}}}}",
            [],
        ),
        ("{global: {prometheus: {enabled: false}}}", [(KUBECOST, None)]),
        (
            "{persistentVolume: {existingClaim: mine, storageClass: a},"
            " prometheus: {server: {persistentVolume: {storageClass: b}}}}",
            [(PROMETHEUS, "b")],
        ),
        ("{persistentVolume: {storageClass: ''}}", [(KUBECOST, None), (PROMETHEUS, None)]),
    ],
)
def test_claims_follow_the_values_in_force(
    values: str, expected: list[tuple[str, str | None]]
) -> None:
    found: Any = yaml.safe_load(values)
    assert list(claims("kubecost-prom", found)) == [Claim(*each) for each in expected]
