"""Ring 2: settings that are accepted give Terraform JSON, whatever they are."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.conftest import synthesize_into
from tests.synth.documents import helm_values

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}[a-z0-9]", fullmatch=True)
tag_text = st.text("abcXYZ019 _.:/=+-@é"[:-1], min_size=1, max_size=20)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
user_settings = st.fixed_dictionaries(
    {},
    optional={
        "name": names.filter(
            lambda name: (
                name.lower()
                not in ("cluster-one", "yes", "true", "null", "off", "false", "no", "on", "y", "n")
            )
        ),
        "region": st.sampled_from(["us-east-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"]),
        "tags": st.dictionaries(tag_text, tag_text, max_size=3),
        "base": st.fixed_dictionaries(
            {},
            optional={
                "vpc_cidr": st.sampled_from(["10.9.0.0/16", "192.168.4.0/22", "100.64.0.0/19"]),
                "availability_zones": st.integers(2, 3),
                "nat_gateways": st.sampled_from(["one", "per_zone"]),
                "amp_endpoint": st.booleans(),
            },
        ),
        "kubecost": st.fixed_dictionaries(
            {},
            optional={
                "network_costs": st.booleans(),
                "node_exporter": st.booleans(),
                "values": st.dictionaries(st.text(max_size=6), json_values, max_size=3).map(
                    lambda values: {"kubecostModel": {"extraEnv": values}}
                ),
            },
        ),
        "kubernetes_auth": st.sampled_from(["exec", "token"]),
    },
)


@given(data=user_settings)
@hypothesis_settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would synthesize for minutes
    suppress_health_check=[HealthCheck.too_slow],
)
def test_accepted_settings_give_valid_json(
    data: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("settings") / "kubecost.yaml"
    file.write_text(yaml.safe_dump({"name": "kubecost", **data}))
    out = synthesize_into(tmp_path_factory.mktemp("out"), file)
    for stack_file in out.glob("stacks/*/cdk.tf.json"):
        stack = json.loads(stack_file.read_text("utf-8"))
        assert stack["terraform"]["required_version"]
        if "helm_release" in stack["resource"]:
            given_values = data.get("kubecost", {}).get("values", {})
            synthesized = helm_values(stack, "kubecost_release")
            assert synthesized.get("kubecostModel") == given_values.get("kubecostModel")
