"""Ring 1: what the pages say exists: links, paths, targets, stacks, keys; and code that is code."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.unit.doc_checks import faults
from tests.unit.markdown import Page

FOLDERS = ("", "docs", "examples", "images", "tests", "tools", ".github")
PAGES = sorted(
    {
        page
        for folder in FOLDERS
        for page in (ROOT / folder).glob("**/*.md" if folder else "*.md")
        if ".terraform" not in page.parts
    }
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_the_page_says_exists(path: Path) -> None:
    found = faults(Page(path))
    assert not found, "\n" + "\n".join(found)


GOOD = """\
# Title, with `code`

See [below](#a-b--c), [a key](../docs/settings.md#base.nodes.min), [twice](#twice-1), [out](https://aws.amazon.com).

## A, b & `c`

## Twice

## Twice

`make plan STACK=prom`, `make diff BASE=main HEAD=x`, `make setup && make lint test`, `make`.
`cdktf deploy 'prom_amp-*'`, `cdktf destroy prom_amp_cost-shop load_balancer`, `cdktf diff <stack>`,
`python -m tools gate plan.json`, `python -m tools plan prom`.
`kubecost.expose`, `clusters[].role_arn`, `kubecost.values`, `base.py`, `tests/settings/*.yaml`,
`cdktf.out/stacks/base/cdk.tf.json`, `kubectl get pods`, `/aws/eks/x`. It is at http://localhost:9090.

1. In a list:

   ```yaml
   region: eu-west-1
   base: {nodes: {min: 1}}
   ```

```console
$ workspace=$(aws amp list-workspaces --query "a[?b=='c']" \\
    --output text)
output (of no shell
$ make synth   # make nothing of this
```

```python
def x() -> None: ...
```
"""

BAD = """\
[gone](gone.md) ![gone](gone.png) [heading](#gone) [elsewhere](../docs/fleet.md#gone)
[plain](http://aws.amazon.com) and https://build-7/x
[machine](https://10.0.0.1/) [cut](https://)
`make gone`, `make plan STACK=promamp`,
`make synth STACK=prom`
`cdktf deploy promamp` or `cdktf destroy prom2-shop`
`tests/unit/gone.py` and `gone.md`, `python -m tools gone`, `python -m tools.gate`
`kubecost.exposed`, `base.nodes.minimum`, `clusters[].arn`

```yaml
base: {nodes: {min: 9}}
```

```yaml
a: [
```

```python
def (
```

```json
{"a": ...}
```

```console
$ cdktf deploy prom
$ make gone && echo "
$ terraform plan \\
    | (
```

```console
nothing typed
```
"""

FAULTS = """\
1: #gone: the page has no such heading
1: ../docs/fleet.md#gone: the page has no such heading
1: gone.md: there is no such file
1: gone.png: there is no such file
2: http://aws.amazon.com: only https
2: https://build-7/x: build-7 is no public host
3: https://10.0.0.1/: 10.0.0.1 is no public host
3: https://: nothing is no public host
4: make gone: the Makefile has no such target
4: promamp: there can be no such stack
5: make synth: does not read STACK
6: prom2-shop: there can be no such stack
6: promamp: there can be no such stack
7: gone.md: there is no such file
7: python -m tools gone: there is no such command
7: python -m tools.gate: what a person runs
7: tests/unit/gone.py: there is no such file
8: base.nodes.minimum: kubecost.yaml has no such key
8: clusters[].arn: kubecost.yaml has no such key
8: kubecost.exposed: kubecost.yaml has no such key
11: yaml that is none: settings: base.nodes: given
15: yaml that is none: while parsing
19: python that is none: invalid syntax
23: json that is none: Expecting value
28: bash cannot read it:
29: bash cannot read it:
34: console without a command\
""".splitlines()


@pytest.fixture
def page(tmp_path: Path) -> Callable[[str], Page]:
    """Write a page into a folder beside docs/, so that its links can lead there."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / "pages").mkdir()

    def write(text: str) -> Page:
        file = tmp_path / "pages/page.md"
        file.write_text(text)
        return Page(file)

    return write


def test_a_good_page_has_no_fault(page: Callable[[str], Page]) -> None:
    assert faults(page(GOOD)) == []


def test_each_fault_of_a_bad_page_is_found(page: Callable[[str], Page]) -> None:
    found = [fault.partition("page.md:")[2] for fault in faults(page(BAD))]
    assert len(found) == len(FAULTS)
    assert [fault for fault, says in zip(found, FAULTS, strict=True) if says not in fault] == []
