"""What architectures decide by themselves in the values of Kubecost's chart; plain data.

architectures/faults.py refuses them.
"""

_NOT_OF_THE_CHART = "the chart ignores it here: Prometheus's configuration comes from metrics/"

_EXPOSES = "set kubecost.expose instead, which asks who may come in: there is no login behind it"

# By path, why a user's value may not take its place.
OWNED_VALUES = {
    "extraObjects": "an object of any kind could expose Kubecost; deploy it beside this release",
    "federatedETL": "clusters share a screen through AMP here, not through a bucket",
    "fullnameOverride": "the scrape jobs find Kubecost by its names",
    "global.ammsp": "the architecture decides where Kubecost queries",
    "global.amp": "the architecture decides what AMP receives and whether Kubecost queries it",
    "global.gmp": "the architecture decides where Kubecost queries",
    "global.mimirProxy": "the architecture decides where Kubecost queries",
    "global.prometheus": "the architecture decides where Kubecost queries",
    "global.platforms.openshift.route": _EXPOSES,
    "ingress": _EXPOSES,
    "kubecostModel.federatedStorageConfig": "a bucket would take the place of AMP",
    "kubecostModel.federatedStorageConfigSecret": "a bucket would take the place of AMP",
    "kubecostModel.promClusterIDLabel": "the label is cluster_id in every architecture",
    "nameOverride": "the scrape jobs find Kubecost by its names",
    "networkCosts.enabled": "set kubecost.network_costs instead",
    "networkCosts.port": "each architecture has a host port of its own",
    "networkCosts.prometheusScrape": "every network-costs pod would be scraped twice",
    "prometheus.alertRelabelConfigs": _NOT_OF_THE_CHART,
    "prometheus.alertmanager.enabled": "nothing would send alerts to it",
    "prometheus.extraScrapeConfigs": _NOT_OF_THE_CHART,
    "prometheus.fullnameOverride": "the writer role finds Prometheus by its names",
    "prometheus.nameOverride": "the writer role finds Prometheus by its names",
    "prometheus.nodeExporter": "set kubecost.node_exporter instead",
    "prometheus.server.alertmanagers": _NOT_OF_THE_CHART,
    "prometheus.server.clusterIDConfigmap": "cluster_id is clusters[].id",
    "prometheus.server.configMapOverrideName": "it would replace the scrape jobs",
    "prometheus.server.configPath": "it would replace the scrape jobs",
    "prometheus.server.enabled": "the architecture decides who scrapes",
    "prometheus.server.fullnameOverride": "the writer role finds Prometheus by its names",
    "prometheus.server.global": "cluster_id is clusters[].id, and the interval is 60 s everywhere",
    "prometheus.server.ingress": _EXPOSES,
    "prometheus.server.podAnnotations.checksum/prometheus": "it rolls out a new configuration",
    "prometheus.server.remoteRead": _NOT_OF_THE_CHART,
    "prometheus.server.remoteWrite": "the architecture decides what AMP receives",
    "prometheus.server.service": _EXPOSES,
    "prometheus.serverFiles": "the scrape jobs and recording rules come from metrics/",
    "service": "set kubecost.expose instead",
    "sigV4Proxy.host": "it follows from the workspace",
    "sigV4Proxy.name": "the proxy signs for AMP only",
    "sigV4Proxy.port": "Kubecost queries AMP through this port",
    "sigV4Proxy.region": "it follows from the workspace",
    "sigV4Proxy.role_arn": "set amp.role_arn instead",
}

# What exposes something wherever it stands in the values: keys by what they may not be, and types.
EXPOSING_KEYS = {
    "externalIPs",
    "hostNetwork",
    "hostPort",
    "httpRoute",
    "ingress",
    "loadBalancerClass",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "nodePort",
}
EXPOSING_TYPES = {"loadbalancer", "nodeport", "externalname"}
EXPOSES = _EXPOSES

# The same, where only some architectures decide: what `Architecture` says of them, and the reason.
OWNED_BY_SOME = {
    "prometheus.serviceAccounts.server": ("sends_to_amp", "sets it to the role that writes to AMP"),
    "serviceAccount": ("queries_amp", "sets it to the role that queries AMP"),
}

_NAMES = "roles and other parts find it by its names"
_ROLE = "it carries the role"

# Of the other charts, by the key in workloads.values.
OWNED_VALUES_OF_RELEASES: dict[str, dict[tuple[str, ...], str]] = {
    "collector": {
        ("alternateConfig",): "the scrape jobs come from metrics/",
        ("autoscaling",): "two collectors would send every sample twice",
        ("clusterRole",): "its rights are those that discovery needs",
        ("command",): "the image is AWS's distribution",
        ("config",): "the scrape jobs come from metrics/",
        ("fullnameOverride",): _NAMES,
        ("mode",): "one collector scrapes the whole cluster",
        ("nameOverride",): _NAMES,
        ("ports",): "nothing connects to it",
        ("presets",): "the scrape jobs come from metrics/",
        ("replicaCount",): "two collectors would send every sample twice",
        ("rollout",): "two collectors would send every sample twice",
        ("service",): "nothing connects to it",
        ("serviceAccount",): _ROLE,
    },
    "grafana": {
        ("dashboardProviders",): "the dashboards come from dashboards/",
        ("datasources",): "they follow from the workspaces",
        ("fullnameOverride",): _NAMES,
        ("grafana.ini", "auth.anonymous"): "nobody sees costs without a login",
        ("ingress",): _EXPOSES,
        ("nameOverride",): _NAMES,
        ("route",): _EXPOSES,
        ("service",): _EXPOSES,
        ("serviceAccount",): _ROLE,
    },
    "load_balancer_controller": {
        ("additionalLabels",): "they tell this controller from another one",
        ("clusterName",): "it follows from clusters[].name",
        ("defaultTags",): "set tags instead",
        ("enableServiceMutatorWebhook",): "it would refuse Services while the controller is down",
        ("fullnameOverride",): _NAMES,
        ("nameOverride",): _NAMES,
        ("region",): "it follows from clusters[].region",
        ("serviceAccount",): _ROLE,
        ("vpcId",): "it follows from the cluster",
    },
    "node_exporter": {
        ("fullnameOverride",): _NAMES,
        ("kubeRBACProxy",): "the scrape job speaks HTTP",
        ("nameOverride",): _NAMES,
        ("service",): "each architecture has a host port of its own",
    },
}
