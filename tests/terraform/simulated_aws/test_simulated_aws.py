"""The operations that this package adds to moto: success, not found, bad input, order."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from . import ACCOUNT, SimulatedAws

pytestmark = pytest.mark.slow

Json = dict[str, Any]
# Answers are judged as the service gives them: no check by the client first, no repeated call.
RAW = Config(parameter_validation=False, retries={"total_max_attempts": 1})

NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKS_CNI_Policy",
)


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatedAws]:
    with SimulatedAws(lose_scraper_answer=False) as running:
        yield running


@pytest.fixture
def aws(server: SimulatedAws) -> SimulatedAws:
    server.reset()
    return server


@pytest.fixture
def eks(aws: SimulatedAws) -> Any:
    return aws.client("eks", config=RAW)


@pytest.fixture
def amp(aws: SimulatedAws) -> Any:
    return aws.client("amp", config=RAW)


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Return code and message of the error that the call must give."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def make_role(aws: SimulatedAws, name: str, service: str, *policies: str) -> str:
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return arn


def make_subnets(aws: SimulatedAws, *zones: str) -> list[str]:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )["Subnet"]["SubnetId"]
        for index, zone in enumerate(zones)
    ]


def cluster_arguments(aws: SimulatedAws, **changes: Any) -> Json:
    return {
        "name": "test",
        "version": "1.34",
        "roleArn": make_role(aws, "cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy"),
        "resourcesVpcConfig": {
            "subnetIds": make_subnets(aws, "a", "b"),
            "endpointPrivateAccess": True,
        },
        "accessConfig": {
            "authenticationMode": "API",
            "bootstrapClusterCreatorAdminPermissions": False,
        },
    } | changes


@pytest.fixture
def cluster(aws: SimulatedAws, eks: Any) -> Json:
    made: Json = eks.create_cluster(**cluster_arguments(aws))["cluster"]
    return made


def nodegroup_arguments(aws: SimulatedAws, cluster: Json, **changes: Any) -> Json:
    return {
        "clusterName": "test",
        "nodegroupName": "main",
        "nodeRole": make_role(aws, "node", "ec2.amazonaws.com", *NODE_POLICIES),
        "subnets": cluster["resourcesVpcConfig"]["subnetIds"],
    } | changes


@pytest.fixture
def nodegroup(aws: SimulatedAws, eks: Any, cluster: Json) -> Json:
    made: Json = eks.create_nodegroup(**nodegroup_arguments(aws, cluster))["nodegroup"]
    return made


@pytest.fixture
def workspace(amp: Any) -> Json:
    made: Json = amp.create_workspace(alias="test", tags={"team": "a"})
    return made


def scrape(text: str = "scrape_configs: [{job_name: kubecost}]") -> Json:
    return {"configurationBlob": text.encode()}


def scraper_arguments(cluster: Json, workspace: Json, **changes: Any) -> Json:
    subnets = cluster["resourcesVpcConfig"]["subnetIds"]
    return {
        "scrapeConfiguration": scrape(),
        "source": {"eksConfiguration": {"clusterArn": cluster["arn"], "subnetIds": subnets}},
        "destination": {"ampConfiguration": {"workspaceArn": workspace["arn"]}},
    } | changes


class TestCluster:
    def test_keeps_what_it_was_given(self, aws: SimulatedAws, eks: Any, cluster: Json) -> None:
        found = eks.describe_cluster(name="test")["cluster"]
        assert found["accessConfig"]["authenticationMode"] == "API"
        assert found["upgradePolicy"] == {"supportType": "EXTENDED"}
        assert found["resourcesVpcConfig"]["publicAccessCidrs"] == ["0.0.0.0/0"]
        groups = aws.client("ec2").describe_security_groups(
            GroupIds=[found["resourcesVpcConfig"]["clusterSecurityGroupId"]]
        )
        assert groups["SecurityGroups"][0]["VpcId"] == found["resourcesVpcConfig"]["vpcId"]
        base64.b64decode(found["certificateAuthority"]["data"], validate=True)

    @pytest.mark.parametrize(
        ("changes", "code", "message"),
        [
            ({"name": "-bad"}, "InvalidParameterException", "regular expression"),
            ({"name": "x" * 101}, "InvalidParameterException", "less than or equal to 100"),
            ({"roleArn": None}, "InvalidParameterException", "Member must not be null"),
            ({"version": "1.19"}, "InvalidParameterException", "unsupported Kubernetes version"),
            ({"upgradePolicy": {"supportType": "X"}}, "InvalidParameterException", "enum value"),
            (
                {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/none"},
                "InvalidParameterException",
                "does not exist",
            ),
        ],
    )
    def test_refuses(
        self, aws: SimulatedAws, eks: Any, changes: Json, code: str, message: str
    ) -> None:
        given = refused(eks.create_cluster, **cluster_arguments(aws, **changes))
        assert given[0] == code
        assert message in given[1]

    def test_needs_policy_zones_and_an_endpoint(self, aws: SimulatedAws, eks: Any) -> None:
        arguments = cluster_arguments(aws)
        bare = make_role(aws, "bare", "eks.amazonaws.com")
        assert (
            "AmazonEKSClusterPolicy"
            in refused(eks.create_cluster, **arguments | {"roleArn": bare})[1]
        )
        wrong = make_role(aws, "wrong", "ec2.amazonaws.com", "AmazonEKSClusterPolicy")
        assert "trusted entity" in refused(eks.create_cluster, **arguments | {"roleArn": wrong})[1]
        for config, message in [
            ({"subnetIds": make_subnets(aws, "a", "a")}, "two different AZs"),
            ({"subnetIds": ["subnet-0"]}, "does not exist"),
            ({"endpointPublicAccess": False, "endpointPrivateAccess": False}, "cannot be false"),
        ]:
            vpc_config = arguments["resourcesVpcConfig"] | config
            given = refused(eks.create_cluster, **arguments | {"resourcesVpcConfig": vpc_config})
            assert message in given[1]

    def test_name_is_taken(self, aws: SimulatedAws, eks: Any, cluster: Json) -> None:
        arguments = {"name": "test", "roleArn": cluster["roleArn"], "resourcesVpcConfig": {}}
        assert refused(eks.create_cluster, **arguments)[0] == "ResourceInUseException"

    def test_does_not_exist(self, eks: Any) -> None:
        code, message = refused(eks.describe_cluster, name="none")
        assert (code, message) == ("ResourceNotFoundException", "No cluster found for name: none.")

    def test_updates(self, eks: Any, cluster: Json) -> None:
        policy = {"supportType": "STANDARD"}
        update = eks.update_cluster_config(name="test", upgradePolicy=policy)["update"]
        assert (
            eks.describe_update(name="test", updateId=update["id"])["update"]["status"]
            == "Successful"
        )
        assert eks.describe_cluster(name="test")["cluster"]["upgradePolicy"] == policy
        code, message = refused(eks.update_cluster_config, name="test", upgradePolicy=policy)
        assert code == "InvalidParameterException"
        assert "already at the desired configuration" in message
        eks.update_cluster_version(name="test", version="1.35")
        assert eks.describe_cluster(name="test")["cluster"]["version"] == "1.35"
        message = refused(eks.update_cluster_version, name="test", version="1.34")[1]
        assert "Unsupported Kubernetes minor version update" in message

    def test_writes_logs_as_long_as_it_lives(self, aws: SimulatedAws, eks: Any) -> None:
        logs = aws.client("logs")
        logging = {"clusterLogging": [{"types": ["audit"], "enabled": True}]}
        eks.create_cluster(**cluster_arguments(aws, logging=logging))
        logs.delete_log_group(logGroupName="/aws/eks/test/cluster")
        assert "logs:/aws/eks/test/cluster" in aws.leftovers()
        eks.delete_cluster(name="test")
        logs.delete_log_group(logGroupName="/aws/eks/test/cluster")
        assert "logs:/aws/eks/test/cluster" not in aws.leftovers()

    def test_tags(self, eks: Any, cluster: Json) -> None:
        eks.tag_resource(resourceArn=cluster["arn"], tags={"a": "1", "b": "2"})
        eks.untag_resource(resourceArn=cluster["arn"], tagKeys=["a"])
        assert eks.list_tags_for_resource(resourceArn=cluster["arn"])["tags"] == {"b": "2"}
        missing = cluster["arn"] + "x"
        assert refused(eks.list_tags_for_resource, resourceArn=missing)[0] == "NotFoundException"


class TestNodegroup:
    def test_lives_and_dies_before_its_cluster(self, eks: Any, nodegroup: Json) -> None:
        assert nodegroup["status"] == "ACTIVE"
        assert nodegroup["updateConfig"] == {
            "maxUnavailable": 1,
            "updateStrategy": "DEFAULT",
        }
        assert "remoteAccess" not in nodegroup
        code, message = refused(eks.delete_cluster, name="test")
        assert (code, message) == ("ResourceInUseException", "Cluster has nodegroups attached")
        eks.delete_nodegroup(clusterName="test", nodegroupName="main")
        eks.delete_cluster(name="test")
        assert eks.list_clusters()["clusters"] == []

    def test_role_is_let_in(self, eks: Any, nodegroup: Json) -> None:
        who = {"clusterName": "test", "principalArn": nodegroup["nodeRole"]}
        assert eks.describe_access_entry(**who)["accessEntry"]["type"] == "EC2_LINUX"
        view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
        asked = who | {"policyArn": view, "accessScope": {"type": "cluster"}}
        assert refused(eks.associate_access_policy, **asked)[0] == "InvalidRequestException"
        eks.delete_nodegroup(clusterName="test", nodegroupName="main")
        assert eks.list_access_entries(clusterName="test")["accessEntries"] == []

    def test_fails_without_network(self, aws: SimulatedAws, eks: Any) -> None:
        arguments = cluster_arguments(aws, bootstrapSelfManagedAddons=False)
        cluster = eks.create_cluster(**arguments)["cluster"]
        group = eks.create_nodegroup(**nodegroup_arguments(aws, cluster))["nodegroup"]
        assert group["status"] == "CREATE_FAILED"
        (issue,) = group["health"]["issues"]
        assert issue["code"] == "NodeCreationFailure"
        assert "without vpc-cni, kube-proxy" in issue["message"]

    @pytest.mark.parametrize("policy", NODE_POLICIES)
    def test_fails_without_a_policy(
        self, aws: SimulatedAws, eks: Any, cluster: Json, policy: str
    ) -> None:
        arguments = nodegroup_arguments(aws, cluster)
        arn = f"arn:aws:iam::aws:policy/{policy}"
        aws.client("iam").detach_role_policy(RoleName="node", PolicyArn=arn)
        if policy == "AmazonEKSWorkerNodePolicy":
            assert policy in refused(eks.create_nodegroup, **arguments)[1]
        else:
            group = eks.create_nodegroup(**arguments)["nodegroup"]
            assert group["health"]["issues"][0]["code"] == "NodeCreationFailure"

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"version": "1.35"}, "not supported by the cluster"),
            ({"amiType": "AL2_x86_64"}, "not supported for kubernetes version 1.34"),
            ({"subnets": ["subnet-0"]}, "does not exist"),
            ({"launchTemplate": {"name": "none"}}, "does not exist"),
            (
                {"scalingConfig": {"minSize": 3, "desiredSize": 2, "maxSize": 5}},
                "between minimum 3",
            ),
            ({"scalingConfig": {"maxSize": 0}}, "greater than or equal to 1"),
        ],
    )
    def test_refuses(
        self, aws: SimulatedAws, eks: Any, cluster: Json, changes: Json, message: str
    ) -> None:
        code, given = refused(eks.create_nodegroup, **nodegroup_arguments(aws, cluster, **changes))
        assert code == "InvalidParameterException"
        assert message in given

    def test_updates(self, eks: Any, nodegroup: Json) -> None:
        where = {"clusterName": "test", "nodegroupName": "main"}
        taint = {"key": "k", "value": "v", "effect": "NO_SCHEDULE"}
        eks.update_nodegroup_config(
            **where,
            scalingConfig={"desiredSize": 1},
            labels={"addOrUpdateLabels": {"a": "1"}},
            taints={"addOrUpdateTaints": [taint]},
        )
        found = eks.describe_nodegroup(**where)["nodegroup"]
        assert found["scalingConfig"]["desiredSize"] == 1
        assert (found["labels"], found["taints"]) == ({"a": "1"}, [taint])
        eks.update_nodegroup_config(**where, taints={"removeTaints": [taint]})
        assert eks.describe_nodegroup(**where)["nodegroup"]["taints"] == []
        refusal = refused(eks.update_nodegroup_version, **where, version="1.35")
        assert "not supported by the cluster" in refusal[1]
        eks.update_cluster_version(name="test", version="1.35")
        eks.update_nodegroup_version(**where)
        assert eks.describe_nodegroup(**where)["nodegroup"]["version"] == "1.35"


class TestAddon:
    def test_life(self, aws: SimulatedAws, eks: Any, nodegroup: Json) -> None:
        where = {"clusterName": "test", "addonName": "vpc-cni"}
        role = make_role(aws, "cni", "pods.eks.amazonaws.com")
        asked = [{"serviceAccount": "aws-node", "roleArn": role}]
        addon = eks.create_addon(**where, podIdentityAssociations=asked)["addon"]
        assert len(addon["podIdentityAssociations"]) == 1
        assert refused(eks.create_addon, **where)[0] == "ResourceInUseException"
        offers = eks.describe_addon_versions(addonName="vpc-cni", kubernetesVersion="1.34")
        newest = offers["addons"][0]["addonVersions"][0]
        assert newest["compatibilities"][0]["defaultVersion"] is False
        eks.update_addon(**where, addonVersion=newest["addonVersion"], podIdentityAssociations=[])
        assert eks.describe_addon(**where)["addon"]["addonVersion"] == newest["addonVersion"]
        assert eks.list_pod_identity_associations(clusterName="test")["associations"] == []
        eks.update_addon(**where, podIdentityAssociations=asked)
        eks.delete_addon(**where)
        assert eks.list_pod_identity_associations(clusterName="test")["associations"] == []
        assert eks.list_addons(clusterName="test")["addons"] == []
        assert refused(eks.describe_addon, **where)[0] == "ResourceNotFoundException"

    def test_pods_need_nodes(self, eks: Any, cluster: Json) -> None:
        addon = eks.create_addon(clusterName="test", addonName="coredns")["addon"]
        assert addon["status"] == "CREATE_FAILED"
        assert addon["health"]["issues"][0]["code"] == "InsufficientNumberOfReplicas"

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"addonName": "unknown"}, "not supported"),
            ({"addonVersion": "v0.0.1-eksbuild.1"}, "not supported"),
            ({"serviceAccountRoleArn": f"arn:aws:iam::{ACCOUNT}:role/none"}, "does not exist"),
            ({"configurationValues": "{"}, "ConfigurationValue provided"),
            ({"configurationValues": '{"defaultStorageClas": {}}'}, "defaultStorageClas"),
        ],
    )
    def test_refuses(self, eks: Any, nodegroup: Json, changes: Json, message: str) -> None:
        arguments = {"clusterName": "test", "addonName": "aws-ebs-csi-driver"} | changes
        code, given = refused(eks.create_addon, **arguments)
        assert code == "InvalidParameterException"
        assert message in given

    def test_configuration_schema(self, eks: Any) -> None:
        answer = eks.describe_addon_configuration(
            addonName="aws-ebs-csi-driver", addonVersion="v1.54.0-eksbuild.1"
        )
        assert "defaultStorageClass" in json.loads(answer["configurationSchema"])["properties"]


class TestAccess:
    def test_entry_and_policy(self, aws: SimulatedAws, eks: Any, cluster: Json) -> None:
        who = {"clusterName": "test", "principalArn": make_role(aws, "admin", "ec2.amazonaws.com")}
        assert refused(eks.describe_access_entry, **who)[0] == "ResourceNotFoundException"
        entry = eks.create_access_entry(**who, tags={"a": "1"})["accessEntry"]
        assert entry["username"].endswith(":assumed-role/admin/{{SessionName}}")
        assert refused(eks.create_access_entry, **who)[0] == "ResourceInUseException"
        policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
        eks.associate_access_policy(**who, policyArn=policy, accessScope={"type": "cluster"})
        listed = eks.list_associated_access_policies(**who)["associatedAccessPolicies"]
        assert [p["policyArn"] for p in listed] == [policy]
        eks.disassociate_access_policy(**who, policyArn=policy)
        again = refused(eks.disassociate_access_policy, **who, policyArn=policy)
        assert again[0] == "ResourceNotFoundException"
        eks.update_access_entry(**who, kubernetesGroups=["viewers"])
        assert eks.describe_access_entry(**who)["accessEntry"]["kubernetesGroups"] == ["viewers"]
        eks.delete_access_entry(**who)
        assert eks.list_access_entries(clusterName="test")["accessEntries"] == []

    def test_refuses(self, aws: SimulatedAws, eks: Any, cluster: Json) -> None:
        admin = {
            "clusterName": "test",
            "principalArn": make_role(aws, "admin", "ec2.amazonaws.com"),
        }
        linked = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/X"
        entries: list[tuple[Json, str]] = [
            ({"principalArn": linked}, "Service Linked Role"),
            ({"principalArn": f"arn:aws:iam::{ACCOUNT}:role/none"}, "invalid principal"),
            ({"kubernetesGroups": ["system:masters"]}, "cannot start with system:"),
            ({"type": "ROBOT"}, "not supported"),
        ]
        for arguments, message in entries:
            assert message in refused(eks.create_access_entry, **admin | arguments)[1]
        eks.create_access_entry(**admin)
        for policy, scope, message in [
            ("arn:aws:iam::aws:policy/AdministratorAccess", {"type": "cluster"}, "not valid"),
            (
                "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                {"type": "namespace"},
                "namespaces",
            ),
        ]:
            asked = admin | {"policyArn": policy, "accessScope": scope}
            assert message in refused(eks.associate_access_policy, **asked)[1]

    def test_mode_config_map_has_no_entries(self, aws: SimulatedAws, eks: Any) -> None:
        eks.create_cluster(**cluster_arguments(aws, accessConfig={}))
        role = make_role(aws, "admin", "ec2.amazonaws.com")
        refusal = refused(eks.create_access_entry, clusterName="test", principalArn=role)
        assert refusal[0] == "InvalidRequestException"

    def test_creator_becomes_admin(self, aws: SimulatedAws, eks: Any) -> None:
        eks.create_cluster(**cluster_arguments(aws, accessConfig={"authenticationMode": "API"}))
        (creator,) = eks.list_access_entries(clusterName="test")["accessEntries"]
        listed = eks.list_associated_access_policies(clusterName="test", principalArn=creator)
        policy = listed["associatedAccessPolicies"][0]["policyArn"]
        assert policy.endswith("AmazonEKSClusterAdminPolicy")

    def test_pod_identity(self, aws: SimulatedAws, eks: Any, cluster: Json) -> None:
        roles = [make_role(aws, name, "pods.eks.amazonaws.com") for name in ("one", "two")]
        account = {"clusterName": "test", "namespace": "kubecost", "serviceAccount": "prometheus"}
        made = eks.create_pod_identity_association(**account, roleArn=roles[0])["association"]
        taken = refused(eks.create_pod_identity_association, **account, roleArn=roles[1])
        assert taken[0] == "ResourceInUseException"
        where = {"clusterName": "test", "associationId": made["associationId"]}
        eks.update_pod_identity_association(**where, roleArn=roles[1])
        found = eks.describe_pod_identity_association(**where)["association"]
        assert found["roleArn"] == roles[1]
        assert len(eks.list_pod_identity_associations(clusterName="test")["associations"]) == 1
        eks.delete_pod_identity_association(**where)
        gone = refused(eks.describe_pod_identity_association, **where)
        assert gone[0] == "ResourceNotFoundException"


class TestWorkspace:
    def test_life(self, aws: SimulatedAws, amp: Any, workspace: Json) -> None:
        where = {"workspaceId": workspace["workspaceId"]}
        found = amp.describe_workspace(**where)["workspace"]
        assert found["prometheusEndpoint"].endswith(f"/workspaces/{where['workspaceId']}/")
        assert amp.list_workspaces(alias="te")["workspaces"][0]["arn"] == found["arn"]
        assert amp.list_workspaces(alias="x")["workspaces"] == []
        amp.update_workspace_alias(**where, alias="other")
        amp.tag_resource(resourceArn=found["arn"], tags={"b": "2"})
        amp.untag_resource(resourceArn=found["arn"], tagKeys=["team"])
        found = amp.describe_workspace(**where)["workspace"]
        assert (found["alias"], found["tags"]) == ("other", {"b": "2"})
        amp.delete_workspace(**where)
        assert refused(amp.describe_workspace, **where)[0] == "ResourceNotFoundException"
        assert refused(amp.delete_workspace, **where)[0] == "ResourceNotFoundException"

    def test_keeps_its_key(self, aws: SimulatedAws, amp: Any) -> None:
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        made = amp.create_workspace(kmsKeyArn=key)
        assert (
            amp.describe_workspace(workspaceId=made["workspaceId"])["workspace"]["kmsKeyArn"] == key
        )
        missing = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/00000000-0000-0000-0000-000000000000"
        assert refused(amp.create_workspace, kmsKeyArn=missing)[0] == "ValidationException"
        assert (
            refused(amp.create_workspace, kmsKeyArn="nonsense-but-long-enough")[0]
            == "ValidationException"
        )

    def test_configuration(self, amp: Any, workspace: Json) -> None:
        where = {"workspaceId": workspace["workspaceId"]}
        limit = {"labelSet": {"cluster_id": "a"}, "limits": {"maxSeries": 10}}
        amp.update_workspace_configuration(
            **where, retentionPeriodInDays=400, limitsPerLabelSet=[limit]
        )
        found = amp.describe_workspace_configuration(**where)["workspaceConfiguration"]
        assert (found["retentionPeriodInDays"], found["limitsPerLabelSet"]) == (400, [limit])
        for change in (
            {"retentionPeriodInDays": 0},
            {"retentionPeriodInDays": 1096},
            {"limitsPerLabelSet": [limit, limit]},
        ):
            refusal = refused(amp.update_workspace_configuration, **where, **change)
            assert refusal[0] == "ValidationException"
        assert amp.describe_workspace_configuration(**where)["workspaceConfiguration"] == found

    @pytest.mark.parametrize(
        ("name", "update", "good", "bad"),
        [
            (
                "logging_configuration",
                "update",
                {"logGroupArn": "GROUP"},
                {"logGroupArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:none:*"},
            ),
            (
                "query_logging_configuration",
                "update",
                {
                    "destinations": [
                        {"cloudWatchLogs": {"logGroupArn": "GROUP"}, "filters": {"qspThreshold": 1}}
                    ]
                },
                {"destinations": []},
            ),
            (
                "alert_manager_definition",
                "put",
                {"data": b"alertmanager_config: |\n  route: {receiver: a}\n"},
                {"data": b"route: {receiver: a}"},
            ),
        ],
    )
    def test_parts(
        self,
        aws: SimulatedAws,
        amp: Any,
        workspace: Json,
        name: str,
        update: str,
        good: Json,
        bad: Json,
    ) -> None:
        aws.client("logs").create_log_group(logGroupName="amp")
        group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:amp:*"
        good = json.loads(json.dumps(good).replace("GROUP", group)) if "data" not in good else good
        where = {"workspaceId": workspace["workspaceId"]}
        create, change = getattr(amp, f"create_{name}"), getattr(amp, f"{update}_{name}")
        describe, delete = getattr(amp, f"describe_{name}"), getattr(amp, f"delete_{name}")
        for call, arguments in ((describe, where), (delete, where), (change, where | good)):
            assert refused(call, **arguments)[0] == "ResourceNotFoundException"
        assert refused(create, **where, **bad)[0] == "ValidationException"
        create(**where, **good)
        assert refused(create, **where, **good)[0] == "ConflictException"
        change(**where, **good)
        (found,) = (value for key, value in describe(**where).items() if key != "ResponseMetadata")
        assert found | good == found
        delete(**where)
        assert refused(describe, **where)[0] == "ResourceNotFoundException"

    def test_resource_policy(self, amp: Any, workspace: Json) -> None:
        where = {"workspaceId": workspace["workspaceId"]}

        def policy(action: str) -> str:
            statement = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*"}
            return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

        for bad in (policy("aps:DeleteWorkspace"), "{}", "no JSON"):
            refusal = refused(amp.put_resource_policy, **where, policyDocument=bad)
            assert refusal[0] == "ValidationException"
        amp.put_resource_policy(**where, policyDocument=policy("aps:RemoteWrite"))
        assert "RemoteWrite" in amp.describe_resource_policy(**where)["policyDocument"]
        amp.delete_resource_policy(**where)
        assert refused(amp.describe_resource_policy, **where)[0] == "ResourceNotFoundException"

    def test_rule_groups(self, amp: Any, workspace: Json) -> None:
        where = {"workspaceId": workspace["workspaceId"], "name": "costs"}
        data = b"groups: [{name: a, rules: [{record: r, expr: sum(x)}]}]"
        assert (
            refused(amp.describe_rule_groups_namespace, **where)[0] == "ResourceNotFoundException"
        )
        for bad in (b"[]", b"groups: [{name: a, rules: [{record: r}]}]", b"a: {", b"x" * 1_000_001):
            refusal = refused(amp.create_rule_groups_namespace, **where, data=bad)
            assert refusal[0] == "ValidationException"
        arn = amp.create_rule_groups_namespace(**where, data=data)["arn"]
        assert (
            refused(amp.create_rule_groups_namespace, **where, data=data)[0] == "ConflictException"
        )
        amp.put_rule_groups_namespace(**where, data=data.replace(b"sum", b"max"))
        assert b"max" in amp.describe_rule_groups_namespace(**where)["ruleGroupsNamespace"]["data"]
        amp.tag_resource(resourceArn=arn, tags={"a": "1"})
        assert amp.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1"}
        amp.delete_rule_groups_namespace(**where)
        listed = amp.list_rule_groups_namespaces(workspaceId=where["workspaceId"])
        assert listed["ruleGroupsNamespaces"] == []


class TestScraper:
    def test_life(
        self, aws: SimulatedAws, eks: Any, amp: Any, cluster: Json, workspace: Json
    ) -> None:
        made = amp.create_scraper(**scraper_arguments(cluster, workspace), alias="s")
        found = amp.describe_scraper(scraperId=made["scraperId"])["scraper"]
        groups = found["source"]["eksConfiguration"]["securityGroupIds"]
        assert groups == [cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]]
        tags = amp.describe_workspace(workspaceId=workspace["workspaceId"])["workspace"]["tags"]
        assert tags["AMPAgentlessScraper"] == ""
        entries = eks.list_access_entries(clusterName="test")["accessEntries"]
        assert entries == [found["roleArn"]]
        refusal = refused(
            eks.delete_access_entry, clusterName="test", principalArn=found["roleArn"]
        )
        assert "Service Linked Role" in refusal[1]
        amp.update_scraper(scraperId=made["scraperId"], alias="t")
        assert amp.list_scrapers()["scrapers"][0]["alias"] == "t"
        amp.delete_scraper(scraperId=made["scraperId"])
        assert eks.list_access_entries(clusterName="test")["accessEntries"] == []
        gone = refused(amp.delete_scraper, scraperId=made["scraperId"])
        assert gone[0] == "ResourceNotFoundException"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("scrape_configs: []", "scrape_configs is empty"),
            ("a: [", "not valid YAML"),
            ("remote_write: []\nscrape_configs: [{job_name: a}]", "remote_write is not supported"),
            ("scrape_configs: [{job_name: a, basic_auth: {}}]", "basic_auth is not supported"),
            ("scrape_configs: [{job_name: a, dns_sd_configs: []}]", "dns_sd_configs is not"),
            (
                "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: endpointslice}]}]",
                "role endpointslice",
            ),
            (
                "scrape_configs: [{job_name: a, static_configs: [{targets: ['a.svc:9003']}]}]",
                "not an IP address",
            ),
            ("scrape_configs: [{job_name: a, scrape_interval: 15s}]", "shorter than 30s"),
            ("global: {scrape_interval: 900ms}\nscrape_configs: [{job_name: a}]", "900ms"),
            (
                "scrape_configs: [{job_name: a, bearer_token_file: /etc/token}]",
                "credentials must be in",
            ),
        ],
    )
    def test_refuses_configurations(
        self, amp: Any, cluster: Json, workspace: Json, text: str, message: str
    ) -> None:
        arguments = scraper_arguments(cluster, workspace, scrapeConfiguration=scrape(text))
        code, given = refused(amp.create_scraper, **arguments)
        assert code == "ValidationException"
        assert message in given

    def test_accepts_the_cadvisor_idiom(self, amp: Any, cluster: Json, workspace: Json) -> None:
        text = """
            global: {scrape_interval: 1m, external_labels: {cluster_id: a}}
            scrape_configs:
              - job_name: cadvisor
                scheme: https
                bearer_token_file: /var/run/secrets/kubernetes.io/serviceaccount/token
                kubernetes_sd_configs: [{role: node}]
                static_configs: [{targets: ['10.0.0.1:80', 'kubernetes.default.svc:443']}]
        """
        arguments = scraper_arguments(cluster, workspace, scrapeConfiguration=scrape(text))
        assert amp.create_scraper(**arguments)["status"] == {"statusCode": "ACTIVE"}

    def test_refuses_sources(
        self, aws: SimulatedAws, eks: Any, amp: Any, cluster: Json, workspace: Json
    ) -> None:
        private = cluster["resourcesVpcConfig"]["subnetIds"]
        for change, message in [
            ({"subnetIds": private[:1]}, "at least two availability zones"),
            ({"subnetIds": make_subnets(aws, "a", "b")}, "VPC of the cluster"),
            ({"subnetIds": ["subnet-0"]}, "does not exist"),
            ({"clusterArn": cluster["arn"] + "x"}, "Cluster not found"),
            ({"clusterArn": "arn:aws:eks:x"}, "regular expression"),
        ]:
            arguments = scraper_arguments(cluster, workspace)
            arguments["source"]["eksConfiguration"] |= change
            assert message in refused(amp.create_scraper, **arguments)[1]
        eks.update_cluster_config(name="test", resourcesVpcConfig={"endpointPrivateAccess": False})
        refusal = refused(amp.create_scraper, **scraper_arguments(cluster, workspace))
        assert "private endpoint access" in refusal[1]

    def test_refuses_destinations(
        self, aws: SimulatedAws, amp: Any, cluster: Json, workspace: Json
    ) -> None:
        missing = scraper_arguments(cluster, {"arn": workspace["arn"] + "0"})
        assert refused(amp.create_scraper, **missing)[0] == "ResourceNotFoundException"
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        encrypted = scraper_arguments(cluster, amp.create_workspace(kmsKeyArn=key))
        assert "role configuration" in refused(amp.create_scraper, **encrypted)[1]

    def test_default_configuration_is_accepted(
        self, amp: Any, cluster: Json, workspace: Json
    ) -> None:
        blob = amp.get_default_scraper_configuration()["configuration"]
        arguments = scraper_arguments(
            cluster, workspace, scrapeConfiguration={"configurationBlob": blob}
        )
        amp.create_scraper(**arguments)


class TestOrder:
    def test_subnets_and_groups_in_use_stay(
        self, aws: SimulatedAws, eks: Any, amp: Any, cluster: Json, workspace: Json
    ) -> None:
        ec2, vpc_config = aws.client("ec2"), cluster["resourcesVpcConfig"]
        made = amp.create_scraper(**scraper_arguments(cluster, workspace))
        subnet, group = vpc_config["subnetIds"][0], vpc_config["clusterSecurityGroupId"]
        for owner in ("EKS cluster", "AMP scraper"):
            for refusal in (
                refused(ec2.delete_subnet, SubnetId=subnet),
                refused(ec2.delete_security_group, GroupId=group),
            ):
                assert refusal[0] == "DependencyViolation"
                assert owner in refusal[1]
        amp.delete_scraper(scraperId=made["scraperId"])
        eks.delete_cluster(name="test")
        for subnet in vpc_config["subnetIds"]:
            ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_vpc(VpcId=vpc_config["vpcId"])
        assert refused(ec2.delete_security_group, GroupId=group)[0] == "InvalidGroup.NotFound"

    def test_group_named_by_another_stays(self, aws: SimulatedAws) -> None:
        ec2 = aws.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        one, two = (
            ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
            for name in ("one", "two")
        )
        rule = {
            "IpProtocol": "tcp",
            "FromPort": 1,
            "ToPort": 1,
            "UserIdGroupPairs": [{"GroupId": one}],
        }
        ec2.authorize_security_group_ingress(GroupId=two, IpPermissions=[rule])
        codes = [refused(ec2.delete_security_group, GroupId=one)[0] for _ in range(3)]
        assert codes == [
            "DependencyViolation",
            "DependencyViolation",
            "DependencyViolation.Lasting",
        ]
        assert refused(ec2.delete_vpc, VpcId=vpc)[0] == "DependencyViolation"
        ec2.delete_security_group(GroupId=two)
        ec2.delete_security_group(GroupId=one)
        ec2.delete_vpc(VpcId=vpc)

    def test_gateways(self, aws: SimulatedAws) -> None:
        ec2 = aws.client("ec2")
        (subnet,) = make_subnets(aws, "a")
        vpc = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        arguments = {"SubnetId": subnet, "AllocationId": address}
        assert refused(ec2.create_nat_gateway, **arguments)[0] == "Gateway.NotAttached"
        internet = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        where = {"InternetGatewayId": internet, "VpcId": vpc}
        ec2.attach_internet_gateway(**where)
        nat = ec2.create_nat_gateway(**arguments)["NatGateway"]["NatGatewayId"]
        (described,) = ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"]
        assert described["AvailabilityMode"] == "zonal"
        assert refused(ec2.detach_internet_gateway, **where)[0] == "DependencyViolation"
        ec2.delete_nat_gateway(NatGatewayId=nat)
        ec2.delete_subnet(SubnetId=subnet)
        assert refused(ec2.delete_vpc, VpcId=vpc)[0] == "DependencyViolation"
        ec2.detach_internet_gateway(**where)
        ec2.delete_internet_gateway(InternetGatewayId=internet)
        ec2.delete_vpc(VpcId=vpc)
        ec2.release_address(AllocationId=address)
        assert aws.leftovers() == []


class TestServer:
    def test_public_access_is_not_blocked(self, aws: SimulatedAws) -> None:
        answer = aws.client("ec2").describe_vpc_block_public_access_options()
        assert answer["VpcBlockPublicAccessOptions"]["InternetGatewayBlockMode"] == "off"

    def test_log_group_key(self, aws: SimulatedAws) -> None:
        logs = aws.client("logs")
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        group = {"logGroupName": "g"}
        assert (
            refused(logs.associate_kms_key, **group, kmsKeyId=key)[0] == "ResourceNotFoundException"
        )
        logs.create_log_group(**group)
        logs.associate_kms_key(**group, kmsKeyId=key)
        assert logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == key
        logs.disassociate_kms_key(**group)
        assert "kmsKeyId" not in logs.describe_log_groups()["logGroups"][0]

    @pytest.mark.parametrize(
        ("service", "operation", "code"),
        [
            ("eks", "list_clusters", "ThrottlingException"),
            ("amp", "list_workspaces", "ThrottlingException"),
            ("ec2", "describe_vpcs", "RequestLimitExceeded"),
            ("iam", "list_roles", "Throttling"),
            ("logs", "describe_log_groups", "ThrottlingException"),
        ],
    )
    def test_throttles(self, aws: SimulatedAws, service: str, operation: str, code: str) -> None:
        name = f"{service}:{''.join(map(str.title, operation.split('_')))}"
        call = getattr(aws.client(service, config=RAW), operation)
        aws.throttle(name, 2)
        assert [refused(call)[0], refused(call)[0]] == [code, code]
        call()
        assert aws.calls() == [name] * 3

    def test_unknown_operation_fails_at_once(self, aws: SimulatedAws) -> None:
        code, message = refused(aws.client("eks").list_insights, clusterName="test")
        assert code == "SimulatedAwsFault"
        assert "eks:ListInsights" in message

    def test_reset_forgets(self, aws: SimulatedAws, cluster: Json, workspace: Json) -> None:
        assert {"eks:test", f"amp:{workspace['arn']}"} < set(aws.leftovers())
        aws.reset()
        assert aws.leftovers() == []

    def test_lost_answer_is_repeated(self) -> None:
        with SimulatedAws() as aws:
            amp, eks = aws.client("amp"), aws.client("eks")
            cluster = eks.create_cluster(**cluster_arguments(aws))["cluster"]
            made = amp.create_scraper(**scraper_arguments(cluster, amp.create_workspace()))
            assert (
                refused(amp.delete_scraper, scraperId=made["scraperId"])[0]
                == "ResourceNotFoundException"
            )
            assert aws.calls().count("amp:DeleteScraper") == 2
            assert amp.list_scrapers()["scrapers"] == []
