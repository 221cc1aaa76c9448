"""AMP: workspaces, scrapers, rules and alerts."""

from tools.gate.kinds.kind import Kind
from tools.gate.rights import policy
from tools.gate.rules import block, blocks, each, free, not_less, one_of, reference, settled, shown
from tools.gate.values import RULES, SCRAPE_CONFIGURATION, document

_TOPIC = reference(r"aws_sns_topic\.\w+\.arn", r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+")
KINDS: dict[str, Kind] = {
    "aws_prometheus_rule_group_namespace": Kind(
        {"name": free, "workspace_id": free, "data": RULES}, replaceable=True, loses="its rules"
    ),
    "aws_prometheus_scraper": Kind(
        {
            "alias": free,
            "scrape_configuration": SCRAPE_CONFIGURATION,
            "source": block(
                {
                    "eks": block(
                        {
                            "cluster_arn": free,
                            "subnet_ids": free,
                            "security_group_ids": free,
                        }
                    )
                }
            ),
            "destination": block(
                {
                    "amp": block(
                        {
                            "workspace_arn": reference(
                                r"(data\.)?aws_prometheus_workspace\.\w+\.arn",
                                r"arn:aws[a-z-]*:aps:[a-z0-9-]+:\d{12}:workspace/ws-[0-9a-f-]{36}",
                            )
                        }
                    )
                }
            ),
        },
        replaceable=True,
        loses="the metrics until a scraper runs again",
    ),
    "aws_prometheus_workspace": Kind(
        {"alias": free, "logging_configuration": block({"log_group_arn": free})},
        loses="all metrics in it",
    ),
    "aws_prometheus_workspace_configuration": Kind(
        {
            "workspace_id": free,
            "retention_period_in_days": not_less(1),
            "limits_per_label_set": blocks(
                lambda item: shown(item.get("label_set")),
                block(
                    {"label_set": free, "limits": block({"max_series": not_less(1)})},
                ),
            ),
        },
        loses="retention and limits",
    ),
    "aws_prometheus_alert_manager_definition": Kind(
        {"workspace_id": free, "definition": document({"template_files": free})},
        asks_to_create="sends alerts",
        loses="the routing of alerts",
    ),
    "aws_cloudwatch_metric_alarm": Kind(
        {
            "alarm_name": free,
            "alarm_description": free,
            "alarm_actions": each(_TOPIC),
            "ok_actions": each(_TOPIC),
            "comparison_operator": settled,
            "evaluation_periods": settled,
            "metric_query": settled,
            "threshold": settled,
            "treat_missing_data": settled,
        },
        loses="an alarm",
    ),
    "aws_kms_key": Kind(
        {
            "description": free,
            "enable_key_rotation": one_of(True),
            "deletion_window_in_days": not_less(7),
            "policy": policy,
        },
        asks_to_create="creates a key with its own policy",
        loses="everything that is encrypted with the key",
    ),
    "aws_sns_topic": Kind(
        {
            "name": free,
            "display_name": free,
            "kms_master_key_id": reference(r"aws_kms_key\.\w+\.arn", r"arn:aws[a-z-]*:kms:.*"),
        },
        loses="the recipients of alerts",
    ),
    "aws_sns_topic_policy": Kind(
        {"arn": free, "policy": policy}, asks_to_create="lets AWS services send messages"
    ),
    "aws_sns_topic_subscription": Kind(
        {}, asks_to_create="sends alerts to a subscriber", loses="a recipient of alerts"
    ),
}
