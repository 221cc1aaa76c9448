"""Chart values that the architectures set, so that a user may not; plain data.

architectures/faults.py refuses them, with the reason.
"""

_NOT_OF_THE_CHART = "it has no effect, because Prometheus's configuration comes from metrics/"

_EXPOSES = "set kubecost.expose instead, which controls access; the UI itself has no login"

# The reason why a user may not set a value, by its path.
OWNED_VALUES = {
    "extraObjects": "any object could expose Kubecost; deploy yours outside this release",
    "federatedETL": "clusters share one UI through AMP, not through a bucket",
    "fullnameOverride": "the scrape jobs find Kubecost by its names",
    "global.ammsp": "the architecture decides what Kubecost queries",
    "global.amp": "the architecture decides what AMP receives and whether Kubecost queries it",
    "global.gmp": "the architecture decides what Kubecost queries",
    "global.mimirProxy": "the architecture decides what Kubecost queries",
    "global.prometheus": "the architecture decides what Kubecost queries",
    "global.platforms.openshift.route": _EXPOSES,
    "ingress": _EXPOSES,
    "kubecostModel.federatedStorageConfig": "a bucket would replace AMP",
    "kubecostModel.federatedStorageConfigSecret": "a bucket would replace AMP",
    "kubecostModel.promClusterIDLabel": "the label is cluster_id in every architecture",
    "nameOverride": "the scrape jobs find Kubecost by its names",
    "networkCosts.enabled": "set kubecost.network_costs instead",
    "networkCosts.port": "each architecture has a host port of its own",
    "networkCosts.prometheusScrape": "Prometheus would scrape every network-costs pod twice",
    "prometheus.alertRelabelConfigs": _NOT_OF_THE_CHART,
    "prometheus.alertmanager.enabled": "nothing would send alerts to it",
    "prometheus.extraScrapeConfigs": _NOT_OF_THE_CHART,
    "prometheus.fullnameOverride": "the writer role finds Prometheus by its names",
    "prometheus.nameOverride": "the writer role finds Prometheus by its names",
    "prometheus.nodeExporter": "set kubecost.node_exporter instead",
    "prometheus.server.alertmanagers": _NOT_OF_THE_CHART,
    "prometheus.server.clusterIDConfigmap": "set clusters[].id instead; it is the cluster_id",
    "prometheus.server.configMapOverrideName": "it would replace the scrape jobs",
    "prometheus.server.configPath": "it would replace the scrape jobs",
    "prometheus.server.enabled": "the architecture decides who scrapes",
    "prometheus.server.fullnameOverride": "the writer role finds Prometheus by its names",
    "prometheus.server.global": "cluster_id is clusters[].id, and every interval is 60 s",
    "prometheus.server.ingress": _EXPOSES,
    "prometheus.server.podAnnotations.checksum/prometheus": "it restarts Prometheus when its"
    " configuration changes",
    "prometheus.server.remoteRead": _NOT_OF_THE_CHART,
    "prometheus.server.remoteWrite": "the architecture decides what AMP receives",
    "prometheus.server.service": _EXPOSES,
    "prometheus.serverFiles": "the scrape jobs and recording rules come from metrics/",
    "service": "set kubecost.expose instead",
    "sigV4Proxy.host": "the workspace determines it",
    "sigV4Proxy.name": "the proxy signs requests for AMP only",
    "sigV4Proxy.port": "Kubecost queries AMP through this port",
    "sigV4Proxy.region": "the workspace determines it",
    "sigV4Proxy.role_arn": "set amp.role_arn instead",
}

# Keys and Service types that expose something, anywhere in the values.
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

# Values that only some architectures own: the attribute of `Architecture` that says so, and the
# reason.
OWNED_BY_SOME = {
    "prometheus.serviceAccounts.server": ("sends_to_amp", "sets it to the role that writes to AMP"),
    "serviceAccount": ("queries_amp", "sets it to the role that queries AMP"),
}

_NAMES = "roles and other parts find it by its names"
_ROLE = "this project sets it to the IAM role"

# Values of the other charts, by the key in workloads.values.
OWNED_VALUES_OF_RELEASES: dict[str, dict[tuple[str, ...], str]] = {
    "collector": {
        ("alternateConfig",): "the scrape jobs come from metrics/",
        ("autoscaling",): "two collectors would send every sample twice",
        ("clusterRole",): "it has exactly the rights that discovery needs",
        ("command",): "it is the command of AWS's image",
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
        ("datasources",): "the workspaces determine them",
        ("fullnameOverride",): _NAMES,
        ("grafana.ini", "auth.anonymous"): "nobody may see costs without a login",
        ("ingress",): _EXPOSES,
        ("nameOverride",): _NAMES,
        ("route",): _EXPOSES,
        ("service",): _EXPOSES,
        ("serviceAccount",): _ROLE,
    },
    "load_balancer_controller": {
        ("additionalLabels",): "they mark the controller that this project installed",
        ("clusterName",): "set clusters[].name instead",
        ("defaultTags",): "set tags instead",
        ("enableServiceMutatorWebhook",): "it would refuse Services while the controller is down",
        ("fullnameOverride",): _NAMES,
        ("nameOverride",): _NAMES,
        ("region",): "set clusters[].region instead",
        ("serviceAccount",): _ROLE,
        ("vpcId",): "the cluster determines it",
    },
    "node_exporter": {
        ("fullnameOverride",): _NAMES,
        ("kubeRBACProxy",): "the scrape job uses plain HTTP",
        ("nameOverride",): _NAMES,
        ("service",): "each architecture has a host port of its own",
    },
}
