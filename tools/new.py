"""Ask the few things that differ from user to user, and write kubecost.yaml.

Run by `make new`. Each answer is checked at once by the rules of settings/. Flags answer for
scripts: `make new ARGS="--region eu-west-1 --architecture prom --yes"`.
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
from settings.file import SettingsError, settings_in
from settings.kinds import ClusterId
from tools.common import ROOT, CommandError, command_line

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

    def told(self, question: str, text: str) -> "Answers":
        """Take the answer to a question, unchecked."""
        entries = tuple(entry for part in text.split(",") if (entry := part.strip()))
        match question:
            case "architectures":
                return replace(self, architectures=entries)
            case "access":
                blocks = [entry if "/" in entry else f"{entry}/32" for entry in entries]
                return replace(self, access=tuple(blocks))
            case "cluster":
                cluster = None if text == NEW else text
                return replace(self, cluster=cluster, cluster_id=_id_for(cluster))
            case "cluster_id":
                return replace(self, cluster_id=text)
            case "bill":
                return replace(self, bill=text)
            case _:
                return replace(self, region=text)

    def text(self, schema: str) -> str:
        """Render the settings file: what is decided, and where the rest is described."""
        chosen = "all" if self.architectures == ("all",) else _list(self.architectures)
        lines = [
            f"# yaml-language-server: $schema={schema}",
            "# What is not here has its default. Every key: docs/settings.md.",
            "",
            f"region: {_quoted(self.region)}",
            f"architectures: {chosen}",
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
            # Whatever else was answered is judged like what a file says.
            create = "true" if self.bill == "yes" else _quoted(self.bill)
            lines += ["", "billing:", f"  report: {{create: {create}}}  # docs/billing.md"]
        if self.cluster == Settings().name:
            lines.insert(3, f"name: {self.cluster}-finops  # {self.cluster} would stand for base's")
        return "\n".join(lines) + "\n"


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


@dataclass
class Interview:
    """Asks one question after the other, except those that a flag or --yes answers."""

    flags: Mapping[str, str | None]
    only_defaults: bool
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
            typed = input(f"{prompt} [{default or 'none'}]: ").strip() or default
            try:
                parts = [numbers.get(part.strip(), part.strip()) for part in typed.split(",")]
                self._take(question, ",".join(parts))
            except SettingsError as error:
                print(error, file=sys.stderr)
            else:
                return

    def _take(self, question: str, text: str) -> None:
        answers = self.answers.told(question, text)
        settings_in(answers.text(""), find_faults, file=FILE.name)
        self.answers = answers


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


def interview(flags: Mapping[str, str | None], *, only_defaults: bool) -> Answers:
    """Ask everything. Raises SettingsError for a flag that does not fit."""
    talk = Interview(flags, only_defaults)
    talk.ask("region", "AWS region", default_region())
    asked = flags.get("cluster") is None and not only_defaults
    found = clusters_in(talk.answers.region) if asked else []
    new = {NEW: "one that the stack base makes: VPC, EKS, nodes; 15 minutes"}
    clusters = new | dict.fromkeys(found, "there is")
    talk.ask("cluster", "EKS cluster: number, or the name of an existing one", NEW, clusters)
    if suggested := talk.answers.cluster_id:
        print(f"\nThe label cluster_id of its metrics cannot be {talk.answers.cluster}.")
        talk.ask("cluster_id", "cluster_id", suggested)
    when = {
        name: f"{each.summary}\n{'':6}Choose it {each.choose_when}"
        for name, each in ARCHITECTURES.items()
    }
    prompt = "Architectures: numbers or names with commas between, or all"
    talk.ask("architectures", prompt, ",".join(Answers.architectures), when)
    print(
        "\nA cost report shows discounts and what is outside the clusters; it costs cents a month."
    )
    talk.ask("bill", "Create one in this account: yes or no", "no")
    if talk.answers.cluster is None:
        print("\nYour public address opens the Kubernetes API to you, for example 203.0.113.7.")
        talk.ask("access", "Addresses or blocks; none: only from inside the VPC", "")
    return talk.answers


def confirmed(file: Path, text: str, *, yes: bool) -> bool:
    """Ask before a file that decides something is replaced, and show what would change."""
    old = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    with suppress(yaml.YAMLError, ValidationError, ValueError):
        if not old or Settings.model_validate(yaml.safe_load(old)) == Settings():
            return True
    if old == text:
        return True
    changes = difflib.unified_diff(
        old.splitlines(), text.splitlines(), f"{file.name} (now)", f"{file.name} (new)", lineterm=""
    )
    print("", *changes, sep="\n")
    return yes or input(f"\nReplace {file.name}? [y/N]: ").strip().lower() in ("y", "yes")


def write(file: Path, text: str) -> None:
    """Write the whole file or nothing of it."""
    whole = file.resolve()
    draft = whole.with_name(f".{whole.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(whole)
    finally:
        draft.unlink(missing_ok=True)


def next_steps(settings: Settings, file: Path) -> str:
    """Say what to type next."""
    chosen = settings.chosen(ARCHITECTURES)
    commands = [
        *([] if file.resolve() == FILE else [f"export KUBECOST_CONFIG={file.resolve()}"]),
        "make compare",
        "make synth",
        'eval "$(make env)"',
        *(["cdktf deploy base"] if settings.fleet[0].made_by_base else []),
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
    answers = interview(flags, only_defaults=options.yes)
    file: Path = options.output
    schema = os.path.relpath(SCHEMA, file.resolve().parent)
    text = answers.text(schema if schema.startswith(".") else f"./{schema}")
    settings = settings_in(text, find_faults, file=file.name)
    if not confirmed(file, text, yes=options.yes):
        raise CommandError(f"{file} stays as it is")
    write(file, text)
    print(f"\n{next_steps(settings, file)}")


def main(arguments: list[str]) -> int:
    """Run; 1 if nothing is written, 130 after Ctrl-C."""
    parser = command_line("new", __doc__)
    parser.add_argument("--region", help="AWS region")
    parser.add_argument("--cluster", help=f"an existing EKS cluster, or {NEW}: base makes one")
    parser.add_argument("--architecture", help="names with commas between, or all")
    parser.add_argument("--bill", choices=("yes", "no"), help="create a cost report, or not")
    parser.add_argument("--access", help="who may reach a new cluster's API: addresses or blocks")
    parser.add_argument("--yes", action="store_true", help="ask nothing; replace the file")
    parser.add_argument("--output", type=Path, default=Path("kubecost.yaml"), help="file to write")
    options = parser.parse_args(arguments)
    if options.access and options.cluster not in (None, NEW):
        parser.error("--access is for a new cluster; an existing one has its own list")
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
