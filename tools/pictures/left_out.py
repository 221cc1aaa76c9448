"""What stacks have and no picture shows, with the reason; patterns as of file names.

`?*:` is any stack. A picture that does show such a component is not affected.
"""

_KUBECOST = "?*:helm_release.kubecost_release"
_CONFIG = "?*:kubernetes_config_map_v1.kubecost_prometheus_config"
_COLLECTOR = "?*:helm_release.collector_release"
_OF_JOBS = "how the jobs that are drawn scrape"
_OF_POD = "how the pod that is drawn runs"
_OF_NETWORK = "what any VPC with private subnets has"
_OF_NODES = "what any node group has"

LEFT_OUT = {
    # base
    "base:aws_subnet.*": _OF_NETWORK,
    "base:aws_route*": _OF_NETWORK,
    "base:aws_internet_gateway.*": _OF_NETWORK,
    "base:aws_nat_gateway.*": _OF_NETWORK,
    "base:aws_eip.*": _OF_NETWORK,
    "base:aws_default_security_group.*": _OF_NETWORK,
    "base:aws_vpc_endpoint.network_s3": "no metric goes through it",
    "base:aws_vpc_endpoint.network_amp_endpoint": "of no use where nothing goes to AMP",
    "base:aws_security_group.network_amp_endpoint_group": "part of the endpoint",
    "base:aws_vpc_security_group_ingress_rule.network_amp_endpoint_https": "part of the endpoint",
    "base:aws_launch_template.eks_node_template": _OF_NODES,
    "base:aws_iam_role.eks_*": "what AWS needs to run a cluster, nodes and add-ons",
    "base:aws_iam_role_policy_attachment.eks_*": "of these roles",
    "base:aws_iam_openid_connect_provider.*": "shown by the roles that service accounts have",
    "base:aws_eks_addon.eks_[ckmv]*": "what any cluster has",
    "base:aws_eks_addon.eks_eks_pod_identity_agent": "serves base's own add-ons",
    "base:aws_cloudwatch_log_group.*": "no metric goes there",
    # Every stack
    "?*:data.aws_availability_zones.*": "looked up, not made",
    "?*:data.aws_caller_identity.*": "looked up, not made",
    "?*:data.aws_eks_addon_version.*": "looked up, not made",
    "base:data.aws_iam_session_context.*": "looked up, for the cluster's admins",
    "?*:data.aws_eks_clusters.*": "looked up, for a message",
    "?*:output.*": "tells addresses and names",
    "?*:aws_cloudwatch_log_group.workspace_log_group": "part of the workspace",
    "?*:aws_prometheus_rule_group_namespace.*": "part of the workspace",
    "?*:aws_prometheus_scraper.*/global.*": _OF_JOBS,
    "?*scrape_configs.kubecost-dcgm-exporter": "of use only where there are GPUs",
    f"{_CONFIG}/prometheus.yml.scrape_configs.prometheus": "one name about itself",
    # The pods of every release
    "?*:helm_release.*nodeSelector.*": _OF_POD,
    "?*:helm_release.*resources.requests.*": _OF_POD,
    "?*:kubernetes_network_policy_v1.*": "who must not reach what is drawn",
    # Kubecost
    f"{_KUBECOST}/kubecostProductConfigs.clusterName": "a name in the UI",
    f"{_KUBECOST}/prometheus.server.global.*": "what Kubecost must know of who scrapes",
    f"{_KUBECOST}/prometheus.server.configMapOverrideName": "names the ConfigMap",
    f"{_KUBECOST}/prometheus.server.podAnnotations.*": "rolls out a change of the ConfigMap",
    _CONFIG: "shown by what it says",
    f"{_CONFIG}/prometheus.yml.global.*": _OF_JOBS,
    f"{_CONFIG}/*rule*": "evaluated by who scrapes",
    f"{_KUBECOST}/networkCosts.port": _OF_POD,
    f"{_KUBECOST}/networkCosts.config.*": _OF_POD,
    f"{_KUBECOST}/networkCosts.updateStrategy.*": _OF_POD,
    f"{_KUBECOST}/kubecostDeployment.deploymentStrategy.*": _OF_POD,
    f"{_KUBECOST}/kubecostFrontend.nginxHeaders.*": _OF_POD,
    f"{_KUBECOST}/sigV4Proxy.*": "how the proxy that is drawn signs",
    # The ADOT Collector
    f"{_COLLECTOR}/alternateConfig.receivers.prometheus.config.global.*": _OF_JOBS,
    f"{_COLLECTOR}/alternateConfig.processors.*": "between scraping and sending",
    f"{_COLLECTOR}/alternateConfig.exporters.prometheus_remote_write.*": "how it sends",
    f"{_COLLECTOR}/alternateConfig.extensions.*": "how it signs and reports",
    f"{_COLLECTOR}/alternateConfig.service.*": "how its parts are joined",
    f"{_COLLECTOR}/clusterRole.*": "of discovery",
    f"{_COLLECTOR}/command.*": _OF_POD,
    f"{_COLLECTOR}/fullnameOverride": _OF_POD,
    f"{_COLLECTOR}/image.*": _OF_POD,
    f"{_COLLECTOR}/mode": _OF_POD,
    f"{_COLLECTOR}/replicaCount": _OF_POD,
    f"{_COLLECTOR}/resources.limits.*": _OF_POD,
    f"{_COLLECTOR}/rollout.*": _OF_POD,
    f"{_COLLECTOR}/securityContext.*": _OF_POD,
    f"{_COLLECTOR}/serviceAccount.name": _OF_POD,
}

_OF_ARCHITECTURE = "in the picture of the architecture"
_CONTROLLER = "load_balancer:helm_release.controller_release"
_GRAFANA = "grafana:helm_release.grafana_release"
_OF_GRAFANA = "how Grafana runs"

# In the fleet's picture, besides.
LEFT_OUT_OF_FLEET = {
    "base:*": _OF_ARCHITECTURE,
    "?*:kubernetes_namespace_v1.*": _OF_ARCHITECTURE,
    "?*:data.kubernetes_resources.kubecost_storage_classes": _OF_ARCHITECTURE,
    "?*:data.aws_iam_openid_connect_provider.*": "shown by the roles that service accounts have",
    f"{_CONFIG}/prometheus.yml.scrape_configs.*": _OF_ARCHITECTURE,
    f"{_KUBECOST}/networkCosts.enabled": _OF_ARCHITECTURE,
    "grafana:data.aws_eks_cluster.cluster": "the hub, drawn from the stack of its Kubecost",
    "grafana:data.aws_prometheus_workspaces.*": "finds the workspace that is drawn",
    f"{_GRAFANA}/dashboard*": "what Grafana shows",
    f"{_GRAFANA}/datasources.datasources.yaml.apiVersion": _OF_GRAFANA,
    f"{_GRAFANA}/fullnameOverride": _OF_GRAFANA,
    f"{_GRAFANA}/grafana.ini.*": _OF_GRAFANA,
    f"{_GRAFANA}/plugins": _OF_GRAFANA,
    f"{_GRAFANA}/serviceAccount.name": _OF_GRAFANA,
}

# In the picture of exposed UIs, besides.
LEFT_OUT_OF_EXPOSED = {
    "?*:aws_route53_record.*_certificate_record": "by which ACM knows the host as ours",
    "?*:data.aws_route53_zone.*": "looked up, not made",
    "?*:data.aws_lb_hosted_zone_id.*": "looked up, not made",
    "load_balancer:data.*": "looked up, not made",
    f"{_CONTROLLER}/additionalLabels.*": _OF_POD,
    f"{_CONTROLLER}/[crv]*": "how the controller finds the cluster",
    f"{_CONTROLLER}/serviceAccount.name": _OF_POD,
    "?*:data.aws_eks_cluster.cluster": "the cluster that base makes",
    "prom_amp:aws_prometheus_workspace*": _OF_ARCHITECTURE,
    "prom_amp:aws_iam_role*": _OF_ARCHITECTURE,
    f"{_KUBECOST}/global.*": _OF_ARCHITECTURE,
    f"{_KUBECOST}/*erviceAccount*": _OF_ARCHITECTURE,
    f"{_CONFIG}/prometheus.yml.remote_write.*": _OF_ARCHITECTURE,
    "grafana:aws_iam_role*": "how Grafana reads AMP",
    "grafana:data.aws_prometheus_workspace.*": "how Grafana reads AMP",
    f"{_GRAFANA}/adminUser": "who has every right in the Grafana that is drawn",
    f"{_GRAFANA}/datasources.*": "how Grafana reads AMP",
    f"{_GRAFANA}/serviceAccount.annotations.*": "how Grafana reads AMP",
}

_OF_BUCKET = "how a bucket that is drawn is kept private"

# In the bill's picture, besides.
LEFT_OUT_OF_BILLING = {
    "billing:aws_ce_cost_allocation_tag.*": "columns of the report that is drawn",
    "billing:aws_s3_bucket_*": _OF_BUCKET,
    f"{_KUBECOST}/kubecostProductConfigs.awsSpotData*": "where the feed that is drawn is",
    f"{_KUBECOST}/kubecostProductConfigs.projectID": "whose feed that is drawn",
    f"{_KUBECOST}/global.prometheus.enabled": _OF_ARCHITECTURE,
}
