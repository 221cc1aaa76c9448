"""Ask the few things that differ from user to user, and write kubecost.yaml.

Run by `make new`. Each answer is checked at once by the rules of settings/. Flags answer for
scripts: `make new ARGS="--region eu-west-1 --architecture prom --yes"`. A file that decides
something already is the start: its values are the defaults, and all that is not asked for stays.
"""

import argparse
import difflib
import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from architectures import ARCHITECTURES
from architectures.faults import find_faults
from settings import Settings
from settings.faults import Fault
from settings.file import SettingsError, read_text, settings_in
from settings.kinds import ClusterId
from tools.common import ROOT, CommandError, command_line, write_whole

FILE = ROOT / "kubecost.yaml"
SCHEMA = ROOT / "docs/kubecost.schema.json"
NEW = "new"


@dataclass(frozen=True)
class Answers:
    """What was answered. Without a cluster, base makes one."""

    region: str = Settings().region
    cluster: str | None = None
    cluster_id: str | None = None
    architectures: tuple[str, ...] = ("prom_amp_cost",)
    access: tuple[str, ...] = ()
    bill: str = "no"

    @classmethod
    def in_settings(cls, settings: Settings) -> "Answers":
        """Give the answers that settings stand for."""
        hub, entry = settings.hub, (settings.clusters or (None,))[0]
        return cls(
            region=settings.region,
            cluster=None if hub.made_by_base else hub.name,
            cluster_id=entry.id if entry and not hub.made_by_base else None,
            architectures=settings.architectures or ("all",),
            access=settings.base.api_access_cidrs,
            bill="yes" if settings.billing.report.create else "no",
        )

    def told(self, question: str, text: str) -> "Answers":
        """Take the answer to a question, unchecked."""
        entries = tuple(entry for part in text.split(",") if (entry := part.strip()))
        match question:
            case "architectures":
                return replace(self, architectures=entries)
            case "access":
                entries = () if entries == ("none",) else entries
                blocks = [entry if "/" in entry else f"{entry}/32" for entry in entries]
                return replace(self, access=tuple(blocks))
            case "cluster":
                cluster = None if text == NEW else text
                if cluster == self.cluster:
                    return self
                return replace(self, cluster=cluster, cluster_id=_id_for(cluster))
            case "cluster_id":
                return replace(self, cluster_id=text)
            case "bill":
                return replace(self, bill=text)
            case _:
                return replace(self, region=text)

    def text(self, schema: str) -> str:
        """Render the settings file: what is decided, and where the rest is described."""
        lines = [
            f"# yaml-language-server: $schema={schema}",
            "# What is not here has its default. Every key: docs/settings.md.",
            "",
            f"region: {_quoted(self.region)}",
            f"architectures: {self._chosen}",
            "",
        ]
        if self.cluster is None:
            who = "who may reach the Kubernetes API; none: only from inside the VPC"
            lines += ["base:", f"  api_access_cidrs: {_list(self.access)}  # {who}"]
        else:
            lines += ["clusters:", f"  - name: {_quoted(self.cluster)}  # an existing EKS cluster"]
            if self.cluster_id:
                lines.append(f"    id: {_quoted(self.cluster_id)}  # cluster_id on its metrics")
        if self.bill != "no":
            lines += ["", "billing:", f"  report: {{create: {self._create}}}  # docs/billing.md"]
        if self.cluster == Settings().name:
            lines.insert(3, f"name: {self.cluster}-finops  # {self.cluster} would stand for base's")
        return "\n".join(lines) + "\n"

    def put_into(self, text: str, before: "Answers") -> str:
        """Change in a settings file what is answered otherwise than it says; keep all else."""
        changes = {
            ("region",): (self.region, before.region, _quoted(self.region)),
            ("architectures",): (self.architectures, before.architectures, self._chosen),
            ("clusters",): (self.cluster, before.cluster, self._clusters),
            ("base", "api_access_cidrs"): (self.access, before.access, _list(self.access)),
            ("billing", "report", "create"): (self.bill, before.bill, self._create),
        }
        for path, (now, then, value) in changes.items():
            if now != then:
                text = with_value(text, path, value)
        return text

    @property
    def _chosen(self) -> str:
        return "all" if self.architectures == ("all",) else _list(self.architectures)

    @property
    def _create(self) -> str:
        # Whatever else was answered is judged like what a file says.
        return {"yes": "true", "no": "false"}.get(self.bill) or _quoted(self.bill)

    @property
    def _clusters(self) -> str:
        if self.cluster is None:
            return "null"
        named = f", id: {_quoted(self.cluster_id)}" if self.cluster_id else ""
        return f"[{{name: {_quoted(self.cluster)}{named}}}]"


def _id_for(cluster: str | None) -> str | None:
    """Give an id for a cluster whose name cannot be one; None if it can, or there is none."""
    try:
        TypeAdapter(ClusterId | None).validate_python(cluster)
    except ValidationError:
        return f"eks-{cluster}"[:63]
    return None


def _quoted(text: str) -> str:
    plain = re.fullmatch(r"[\w./-]+", text, re.ASCII) and yaml.safe_load(text) == text
    return text if plain else json.dumps(text)


def _list(entries: tuple[str, ...]) -> str:
    return f"[{', '.join(map(_quoted, entries))}]"


def with_value(text: str, path: tuple[str, ...], value: str) -> str:
    """Put a value, written in one line, at a path of a YAML mapping; leave all other text."""
    mapping = yaml.compose(text)
    for depth, name in enumerate(path, start=1):
        assert isinstance(mapping, yaml.MappingNode)
        inner = "".join(f"{{{part}: " for part in path[depth:]) + value + "}" * len(path[depth:])
        entries = {key.value: (key, node) for key, node in mapping.value}
        if name not in entries:
            return _with_entry(text, mapping, f"{name}: {inner}", at_the_top=depth == 1)
        key, node = entries[name]
        if depth < len(path) and isinstance(node, yaml.MappingNode) and node.value:
            mapping = node
        else:
            return f"{text[: key.end_mark.index]}: {inner}{text[_end(text, node) :]}"
    raise AssertionError("a path has a part at least")


def _with_entry(text: str, mapping: yaml.MappingNode, entry: str, *, at_the_top: bool) -> str:
    if mapping.flow_style:
        at = mapping.start_mark.index + 1
        return f"{text[:at]}{entry}{', ' if mapping.value else ''}{text[at:]}"
    if at_the_top:
        return f"{text.rstrip()}\n\n{entry}\n"
    first = mapping.value[0][0].start_mark
    return f"{text[: first.index]}{entry}\n{' ' * first.column}{text[first.index :]}"


def _end(text: str, node: yaml.Node) -> int:
    """Say where a node's text ends: PyYAML counts what follows a block to it."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = node.end_mark.index
    return end if node.start_mark.index == end else len(text[:end].rstrip())


def read_before(file: Path) -> tuple[str, Settings] | None:
    """Read a settings file that decides something; None where there is none.

    Raises CommandError for one that is wrong, which would be lost.
    """
    if not file.exists():
        return None
    try:
        text = read_text(file)
        if not text.strip():
            return None
        settings = settings_in(text, find_faults, file=file.name)
    except SettingsError as error:
        advice = f"correct {file.name}, or remove it to begin anew; it stays as it is"
        raise CommandError(f"{error}\n{advice}") from None
    return None if settings == Settings() else (text, settings)


@dataclass
class Interview:
    """Asks one question after the other, except those that a flag or --yes answers.

    Attributes:
        before: the text and the settings of a file that decides something already.
    """

    flags: Mapping[str, str | None]
    only_defaults: bool
    before: tuple[str, Settings] | None = None
    answers: Answers = field(default_factory=Answers)

    def ask(
        self, question: str, prompt: str, default: str, choices: Mapping[str, str] | None = None
    ) -> None:
        """Ask until the answer fits; a choice can be named by its number, too.

        Raises SettingsError if a flag's answer, or the default taken for it, does not fit.
        """
        flag = self.flags.get(question)
        if flag is not None or self.only_defaults:
            self._take(question, default if flag is None else flag)
            return
        numbers = dict(zip(map(str, range(1, 1 + len(choices or {}))), choices or {}, strict=True))
        if choices:
            print()
        for number, name in numbers.items():
            print(f"  {number:>2}  {name}: {choices[name] if choices else ''}")
        while True:
            typed = input(f"{prompt} [{default or 'none'}]: ").strip()
            parts = [numbers.get(part.strip(), part.strip()) for part in typed.split(",")]
            if unlisted := [part for part in parts if choices and is_unlisted(part, choices)]:
                by_flag = f"; for a cluster of this name give --cluster {unlisted[0]}"
                hint = by_flag if question == "cluster" else ""
                print(
                    f"The list has no number {unlisted[0]}, only 1 to {len(numbers)}{hint}",
                    file=sys.stderr,
                )
                continue
            try:
                self._take(question, ",".join(parts) if typed else default)
            except SettingsError as error:
                print(error, file=sys.stderr)
            else:
                return

    def _take(self, question: str, text: str) -> None:
        answers = self.answers.told(question, text)
        settings = settings_in(self.text("", answers), find_faults, file=FILE.name)
        if answers.cluster == settings.name:
            allowed = "another name: base makes a cluster of this name; change `name` first"
            fault = Fault("clusters[0].name", answers.cluster, allowed)
            raise SettingsError(FILE.name, [fault])
        self.answers = answers

    def text(self, schema: str, answers: Answers | None = None) -> str:
        """Write the settings file: that which is there, changed, or a new one."""
        answers = answers or self.answers
        if self.before is None:
            return answers.text(schema)
        text, settings = self.before
        return answers.put_into(text, Answers.in_settings(settings))


def is_unlisted(part: str, choices: Mapping[str, str]) -> bool:
    """Tell whether an answer is a number, but of nothing in the list."""
    return part.isdecimal() and part not in choices


def default_region() -> str:
    """Give the region of the environment or of the AWS configuration, else the project's."""
    with suppress(BotoCoreError):  # a profile that is not there
        return os.environ.get("AWS_REGION") or boto3.Session().region_name or Settings().region
    return Settings().region


def clusters_in(region: str) -> list[str]:
    """List the EKS clusters that the AWS credentials show; none if they show none."""
    patience = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
    with suppress(BotoCoreError, ClientError, ValueError):
        session = boto3.Session()
        if session.get_credentials():
            print(f"new: looking for EKS clusters in {region}", file=sys.stderr)
            client = session.client("eks", region_name=region, config=patience)
            pages = client.get_paginator("list_clusters").paginate()
            return [name for page in pages for name in page["clusters"]]
    return []


def interview(
    flags: Mapping[str, str | None],
    *,
    only_defaults: bool,
    before: tuple[str, Settings] | None = None,
) -> Interview:
    """Ask everything. Raises SettingsError for a flag that does not fit."""
    start = Answers.in_settings(before[1]) if before else Answers(region=default_region())
    talk = Interview(flags, only_defaults, before, start)
    talk.ask("region", "AWS region", start.region)
    if before and len(before[1].fleet) > 1:
        if flags.get("cluster") is not None:
            raise CommandError("the file lists several clusters; change them there")
    else:
        _ask_for_cluster(talk, start)
    when = {
        name: f"{each.summary}\n{'':6}Choose it {each.choose_when}"
        for name, each in ARCHITECTURES.items()
    }
    prompt = "Architectures: numbers or names with commas between, or all"
    talk.ask("architectures", prompt, ",".join(start.architectures), when)
    print(
        "\nA cost report shows discounts and what is outside the clusters; it costs cents a month."
    )
    talk.ask("bill", "Create one in this account: yes or no", start.bill)
    if talk.answers.cluster is not None:
        if flags.get("access"):
            raise CommandError("--access is for a new cluster; an existing one has its own list")
    else:
        print("\nYour public address opens the Kubernetes API to you, for example 203.0.113.7.")
        prompt = "Addresses or blocks; none: only from inside the VPC"
        talk.ask("access", prompt, ",".join(start.access))
    return talk


def _ask_for_cluster(talk: Interview, start: Answers) -> None:
    asked = talk.flags.get("cluster") is None and not talk.only_defaults
    found = clusters_in(talk.answers.region) if asked else []
    new = {NEW: "one that the stack base makes: VPC, EKS, nodes; 15 minutes"}
    clusters = new | dict.fromkeys(found, "there is")
    prompt = "EKS cluster: number, or the name of an existing one"
    talk.ask("cluster", prompt, start.cluster or NEW, clusters)
    suggested = talk.answers.cluster_id
    if suggested and talk.answers.cluster != start.cluster:
        print(f"\nThe label cluster_id of its metrics cannot be {talk.answers.cluster}.")
        talk.ask("cluster_id", "cluster_id", suggested)


def confirmed(file: Path, text: str, before: str, *, yes: bool) -> bool:
    """Ask before a file that decides something is changed, and show how."""
    if before == text:
        return True
    changes = difflib.unified_diff(
        before.splitlines(),
        text.splitlines(),
        f"{file.name} (now)",
        f"{file.name} (new)",
        lineterm="",
    )
    print("", *changes, sep="\n")
    return yes or input(f"\nChange {file.name}? [y/N]: ").strip().lower() in ("y", "yes")


def next_steps(settings: Settings, file: Path) -> str:
    """Say what to type next."""
    # Never all five: each is a Kubecost of its own.
    chosen = settings.architectures or ["<architecture>"]
    commands = [
        *([] if file.resolve() == FILE else [f"export KUBECOST_CONFIG={file.resolve()}"]),
        "make compare",
        "make synth",
        'eval "$(make env)"',
        *(["cdktf deploy base"] if settings.hub.made_by_base else []),
        *(f"cdktf deploy {name}" for name in chosen),
        *(["cdktf deploy billing"] if settings.billing.makes_something else []),
        *(f"make verify STACK={name}" for name in chosen),
    ]
    return "\n".join([f"{file} is written. Next:", *(f"  {command}" for command in commands)])


def run(options: argparse.Namespace) -> None:
    """Ask, write, and say what comes next. Raises CommandError or SettingsError."""
    flags = {
        "region": options.region,
        "cluster": options.cluster,
        "architectures": options.architecture,
        "access": options.access,
        "bill": options.bill,
    }
    file: Path = options.output
    before = read_before(file)
    if before:
        print(f"new: starting from {file}; what is not asked for stays", file=sys.stderr)
    talk = interview(flags, only_defaults=options.yes, before=before)
    schema = os.path.relpath(SCHEMA, file.resolve().parent)
    text = talk.text(schema if schema.startswith(".") else f"./{schema}")
    settings = settings_in(text, find_faults, file=file.name)
    if before and not confirmed(file, text, before[0], yes=options.yes):
        raise CommandError(f"{file} stays as it is")
    write_whole(file, text)
    print(f"\n{next_steps(settings, file)}")


def main(arguments: list[str]) -> int:
    """Run; 1 if nothing is written, 130 after Ctrl-C."""
    parser = command_line("new", __doc__)
    parser.add_argument("--region", help="AWS region")
    parser.add_argument("--cluster", help=f"an existing EKS cluster, or {NEW}: base makes one")
    parser.add_argument("--architecture", help="names with commas between, or all")
    parser.add_argument("--bill", choices=("yes", "no"), help="create a cost report, or not")
    parser.add_argument("--access", help="who may reach a new cluster's API: addresses or blocks")
    parser.add_argument("--yes", action="store_true", help="ask nothing; change the file")
    parser.add_argument("--output", type=Path, default=Path("kubecost.yaml"), help="file to write")
    options = parser.parse_args(arguments)
    try:
        run(options)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        raise CommandError(f"{options.output} cannot be written: {error.strerror}") from None
    except EOFError:
        print(file=sys.stderr)
        raise CommandError("nothing is written: the answers ended") from None
    except KeyboardInterrupt:
        print("\nnew: nothing is written", file=sys.stderr)
        return 130
    return 0
