"""Expose a UI through the application load balancer of its cluster, with TLS and a login."""

import json
from dataclasses import dataclass

from cdktf import ITerraformDependable, TerraformOutput, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.acm_certificate import AcmCertificate
from cdktf_cdktf_provider_aws.acm_certificate_validation import AcmCertificateValidation
from cdktf_cdktf_provider_aws.data_aws_lb_hosted_zone_id import DataAwsLbHostedZoneId
from cdktf_cdktf_provider_aws.data_aws_route53_zone import DataAwsRoute53Zone
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.route53_record import Route53Record, Route53RecordAlias
from cdktf_cdktf_provider_kubernetes.ingress_v1 import (
    IngressV1,
    IngressV1Metadata,
    IngressV1Spec,
    IngressV1SpecRule,
    IngressV1SpecRuleHttp,
    IngressV1SpecRuleHttpPath,
    IngressV1SpecRuleHttpPathBackend,
    IngressV1SpecRuleHttpPathBackendService,
    IngressV1SpecRuleHttpPathBackendServicePort,
)
from constructs import Construct

from modules.cluster_lookup import ClusterLookup
from modules.ui_login import Annotations, Login
from settings.expose import ExposeSettings

# TLS 1.3, and 1.2 with forward secrecy (Elastic Load Balancing user guide, "Security policies").
SSL_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"

_SCHEMES = {"internal": "internal", "internet": "internet-facing"}
_ATTRIBUTES = {
    # Kubecost's own server has the same timeout for long queries.
    "idle_timeout.timeout_seconds": "300",
    "routing.http.drop_invalid_header_fields.enabled": "true",
}


@dataclass(frozen=True)
class Exposure:
    """How a UI is exposed.

    Attributes:
        settings: the settings of all UIs.
        host: the UI's host name.
        group: the name that the UIs of a cluster share, and so share one load balancer.
        pool: the name of the Cognito user pool that the stack `pool_stack` creates.
        pool_stack: the stack's name.
        zone_provider: the provider for the hosted zone's account; None for the stack's own.
    """

    settings: ExposeSettings
    host: str
    group: str
    pool: str
    pool_stack: str
    zone_provider: AwsProvider | None


class UiIngress(Construct):
    """An Ingress for the UI's port only, with certificate, login and a name in DNS.

    The AWS Load Balancer Controller must run (stack `load_balancer`). Scheme, allow-list and TLS
    policy belong to the load balancer, so they must be the same on every Ingress of the group; if
    not, the controller changes nothing (annotations guide v3.5.0, "IngressGroup"). Terraform waits
    for the load balancer. A destroy waits until the controller has removed the UI from it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        exposure: Exposure,
        *,
        cluster: ClusterLookup,
        namespace: str,
        service: str,
        port: int,
        health_path: str,
        after: ITerraformDependable,
    ) -> None:
        super().__init__(scope, id)
        settings, host = exposure.settings, exposure.host
        waits_for = [after]
        certificate_arn = settings.certificate_arn
        zone_id = self._zone_id(exposure) if settings.hosted_zone else None
        if not certificate_arn:
            assert zone_id
            validation = self._certificate(host, zone_id, exposure.zone_provider)
            certificate_arn = validation.certificate_arn
            waits_for.append(validation)
        login = Login(
            self,
            "login",
            settings.login,
            account_id=cluster.account_id,
            host=host,
            namespace=namespace,
            session_hours=settings.session_hours,
            pool=exposure.pool,
            pool_stack=exposure.pool_stack,
            after=after,
        )
        ingress = IngressV1(
            self,
            "this",
            metadata=IngressV1Metadata(
                name=f"{namespace}-ui",
                namespace=namespace,
                annotations={
                    f"alb.ingress.kubernetes.io/{key}": value
                    for key, value in (
                        _balancer(settings, exposure.group, certificate_arn)
                        | {
                            "ip-address-type": cluster.ip_address_type,
                            "target-type": "ip",
                            "healthcheck-path": health_path,
                        }
                        | login.annotations
                    ).items()
                },
            ),
            spec=IngressV1Spec(
                ingress_class_name="alb",
                rule=[
                    IngressV1SpecRule(
                        host=host,
                        http=IngressV1SpecRuleHttp(
                            path=[
                                IngressV1SpecRuleHttpPath(
                                    path="/",
                                    path_type="Prefix",
                                    backend=_backend(service, port),
                                )
                            ]
                        ),
                    )
                ],
            ),
            wait_for_load_balancer=True,
            depends_on=[*waits_for, *login.before],
        )
        balancer = ingress.status.get(0).load_balancer.get(0).ingress.get(0).hostname
        if zone_id:
            self._record(host, zone_id, balancer, exposure.zone_provider)
        else:
            TerraformOutput(
                self,
                "load_balancer",
                value=balancer,
                description=f"What the name {host} must lead to (CNAME)",
            )
        TerraformOutput(self, "url", value=f"https://{host}")

    def _zone_id(self, exposure: Exposure) -> str:
        zone = DataAwsRoute53Zone(
            self,
            "zone",
            name=exposure.settings.hosted_zone,
            private_zone=False,
            provider=exposure.zone_provider,
        )
        return zone.zone_id

    def _certificate(
        self, host: str, zone_id: str, zone_provider: AwsProvider | None
    ) -> AcmCertificateValidation:
        """Add a certificate for one host, and the record that lets ACM issue and renew it."""
        certificate = AcmCertificate(
            self,
            "certificate",
            domain_name=host,
            validation_method="DNS",
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        options = f"tolist({certificate.fqn}.domain_validation_options)[0]"
        record = Route53Record(
            self,
            "certificate_record",
            zone_id=zone_id,
            name=f"${{{options}.resource_record_name}}",
            type=f"${{{options}.resource_record_type}}",
            records=[f"${{{options}.resource_record_value}}"],
            ttl=300,
            # A new certificate for the same host in the same account asks for the same record.
            allow_overwrite=True,
            provider=zone_provider,
        )
        return AcmCertificateValidation(
            self,
            "certificate_issued",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
        )

    def _record(
        self, host: str, zone_id: str, balancer: str, zone_provider: AwsProvider | None
    ) -> None:
        Route53Record(
            self,
            "record",
            zone_id=zone_id,
            name=host,
            type="A",
            alias=Route53RecordAlias(
                name=balancer,
                zone_id=DataAwsLbHostedZoneId(
                    self, "load_balancer_zone", load_balancer_type="application"
                ).id,
                evaluate_target_health=False,
            ),
            provider=zone_provider,
        )


def _balancer(settings: ExposeSettings, group: str, certificate_arn: str) -> Annotations:
    """Write the annotations that belong to the group's load balancer."""
    annotations = {
        "group.name": group,
        "scheme": _SCHEMES[settings.scheme],
        "inbound-cidrs": ",".join(settings.inbound_cidrs),
        "listen-ports": json.dumps([{"HTTP": 80}, {"HTTPS": 443}]),
        "ssl-redirect": "443",
        "ssl-policy": SSL_POLICY,
        "certificate-arn": certificate_arn,
        "load-balancer-attributes": ",".join(f"{k}={v}" for k, v in _ATTRIBUTES.items()),
    }
    return annotations | ({"wafv2-acl-arn": settings.web_acl_arn} if settings.web_acl_arn else {})


def _backend(service: str, port: int) -> IngressV1SpecRuleHttpPathBackend:
    return IngressV1SpecRuleHttpPathBackend(
        service=IngressV1SpecRuleHttpPathBackendService(
            name=service, port=IngressV1SpecRuleHttpPathBackendServicePort(number=port)
        )
    )
