"""The frames that several pictures have, each around one kind of thing."""

from diagrams.aws.compute import ElasticKubernetesService
from diagrams.aws.management import OrganizationsAccount
from diagrams.aws.network import VPC as VPC_ICON
from diagrams.k8s.compute import Pod
from diagrams.k8s.group import Namespace

from tools.canvas import MUTED
from tools.pictures.picture import AMP, EKS, KUBERNETES, NETWORK, Frame

ACCOUNT = Frame(OrganizationsAccount, MUTED, "#f6f8fa")
VPC = Frame(VPC_ICON, NETWORK, "#faf8ff")
ENDPOINT = Frame(border=NETWORK)
CLUSTER = Frame(ElasticKubernetesService, EKS, "#fffdf9")
NAMESPACE = Frame(Namespace, KUBERNETES, "#f3f7ff", dashed=True)
POD = Frame(Pod, KUBERNETES)
WORKSPACE = Frame(border=AMP, fill="#fff6fa")
