"""Ring 1: IAM policy documents."""

import json

from modules import policy


def test_trust_names_one_service_account_of_one_cluster() -> None:
    identities = policy.IdentityProvider(
        arn="arn:aws:iam::111122223333:oidc-provider/oidc.example/id/A", issuer="oidc.example/id/A"
    )
    document = json.loads(
        policy.trust_service_account(identities, namespace="ns", service_account="sa")
    )
    assert document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": identities.arn},
                "Condition": {
                    "StringEquals": {
                        "oidc.example/id/A:sub": "system:serviceaccount:ns:sa",
                        "oidc.example/id/A:aud": "sts.amazonaws.com",
                    }
                },
            }
        ],
    }


def test_allow_names_one_resource() -> None:
    document = json.loads(policy.document(policy.allow("aps:RemoteWrite", resource="arn:x")))
    (statement,) = document["Statement"]
    assert statement == {"Effect": "Allow", "Action": ["aps:RemoteWrite"], "Resource": "arn:x"}
