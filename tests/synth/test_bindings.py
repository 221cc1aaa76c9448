"""Ring 2: Node.js and Python load what is asked for only, and no process relays messages."""

import importlib.resources
import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import jsii
import pytest

import bindings
from tests.conftest import ROOT

PLAIN = """exports.b = exports.a = void 0;
exports.a = require("./a");
exports.b = require("./b/index");
"""
# As TypeScript 5 writes it, which the fork is built with.
STAR = """var __importStar = (mod) => mod.__esModule ? mod : {};
exports.a = __importStar(require("./a"));
exports.b = __importStar(require("./b/index"));
"""
ELSE = PLAIN + 'Object.assign(exports, require("./c"));\n'

IMPORTS_CDKTF = re.compile(r"^(?:from|import) (?:cdktf|constructs|jsii|cdktn)", re.MULTILINE)

# Prints the modules loaded by the index, then those after one was asked for, and what it said.
PROGRAM = """
const loaded = [];
globalThis.load = (name) => loaded.push(name);
const index = require(process.argv[1]);
const before = [...loaded];
const said = index.b.said;
console.log(JSON.stringify({ before, after: loaded, said, keys: Object.keys(index) }));
"""


def run_node(program: str, folder: Path, *arguments: str, **environment: str) -> Any:
    """Run a program, give the JSON that it prints."""
    done = subprocess.run(
        ["node", "-e", program, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def load(package: Path, index: str, **environment: str) -> Any:
    library = package / "lib"
    (library / "b").mkdir(parents=True)
    (library / "index.js").write_text('"use strict";\n' + index)
    for name, file in (("a", "a.js"), ("b", "b/index.js"), ("c", "c.js")):
        (library / file).write_text(
            'Object.defineProperty(exports, "__esModule", { value: true });\n'
            f'load("{name}"); exports.said = "{name}";\n'
        )
    return run_node(PROGRAM, package, str(library / "index.js"), **environment)


@pytest.mark.parametrize("index", [PLAIN, STAR], ids=["plain", "importStar"])
@pytest.mark.parametrize("package", ["@cdktf/provider-aws", "@cdktn/provider-aws/25.8.1/0a1b"])
def test_an_index_loads_what_is_asked_for(tmp_path: Path, package: str, index: str) -> None:
    answer = load(tmp_path / package, index)
    assert answer == {"before": [], "after": ["b"], "said": "b", "keys": ["a", "b"]}


@pytest.mark.parametrize(
    ("package", "index", "before"),
    [("@cdktf/provider-aws", ELSE, ["a", "b", "c"]), ("@other/library", PLAIN, ["a", "b"])],
    ids=["another shape", "another package"],
)
def test_what_is_not_known_is_loaded_as_it_is(
    tmp_path: Path, package: str, index: str, before: list[str]
) -> None:
    answer = load(tmp_path / package, index)
    assert (answer["before"], answer["said"]) == (before, "b")


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("exports.convert = exports.other = void 0;\nexports.convert = () => 'told';", []),
        ("exports.convert = () => 'told';\n__exportStar({}, exports);", ["library"]),
    ],
    ids=["named exports", "another shape"],
)
@pytest.mark.parametrize("library", ["@cdktf/hcl2cdk", "@cdktn/hcl2cdk"])
def test_what_a_command_does_not_use_is_loaded_when_asked(
    tmp_path: Path, library: str, text: str, before: list[str]
) -> None:
    """As esbuild bundles the command line: properties are copied as getters."""
    folder = tmp_path / "node_modules" / library
    folder.mkdir(parents=True)
    (folder / "index.js").write_text(f'load("library"); const __exportStar = () => 0;\n{text}\n')
    program = f"""
        const loaded = [];
        globalThis.load = (name) => loaded.push(name);
        const given = require("{library}"), copy = {{}};
        for (const name of Object.getOwnPropertyNames(given))
          Object.defineProperty(copy, name, {{ get: () => given[name] }});
        const before = [...loaded];
        console.log(JSON.stringify([before, copy.convert(), given.convert(), loaded]));
    """
    assert run_node(program, tmp_path) == [before, "told", "told", ["library"]]


def test_a_library_that_is_a_function_is_loaded_when_called(tmp_path: Path) -> None:
    folder = tmp_path / "node_modules/archiver"
    folder.mkdir(parents=True)
    (folder / "index.js").write_text("globalThis.loaded = true; module.exports = (a) => a + 1;")
    program = """
        const archiver = require("archiver"), before = globalThis.loaded ?? false;
        console.log(JSON.stringify([before, archiver(1), globalThis.loaded]));
    """
    assert run_node(program, tmp_path) == [False, 2, True]


def test_a_token_has_an_empty_stack_trace() -> None:
    program = """
        const { captureStackTrace } = require("cdktf/lib/tokens/private/stack-trace");
        const lines = new Error().stack.split("\\n").length;
        console.log(JSON.stringify([captureStackTrace().length, lines > 1]));
    """
    assert run_node(program, ROOT) == [0, True]
    without, _ = run_node(program, ROOT, NODE_OPTIONS="")
    assert without > 0


RELAY = '[["--preserve-symlinks",("lib","program.js")],{stdio:["ignore","pipe","pipe","pipe"]}];'
RUNTIME = """
const given = {readFD:3,writeFD:3};
console.log("printed"); console.error("told");
const links = process.execArgv.includes("--preserve-symlinks");
require("node:fs").writeSync(given.writeFD, JSON.stringify({ ...given, links, __filename }));
"""


def lay_out(folder: Path, relay: str, program: str) -> Path:
    for name, text in (("bin/jsii-runtime.js", relay), ("lib/program.js", program)):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
    return folder / "bin/jsii-runtime.js"


def run_relay(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", str(file)], capture_output=True, text=True, check=True, timeout=60
    )


def test_the_relay_becomes_the_runtime(tmp_path: Path) -> None:
    done = run_relay(lay_out(tmp_path, RELAY, RUNTIME))
    assert json.loads(done.stdout) == {
        "readFD": 0,
        "writeFD": 1,
        "links": True,
        "__filename": str(tmp_path / "lib/program.js"),
    }
    said = [json.loads(line) for line in done.stderr.splitlines()]
    decoded = [{name: b64decode(text).decode() for name, text in each.items()} for each in said]
    assert decoded == [{"stdout": "printed\n"}, {"stderr": "told\n"}]


@pytest.mark.parametrize(
    ("relay", "runtime"),
    [(RELAY.replace("ignore", "inherit"), RUNTIME), (RELAY, RUNTIME.replace("3", "4"))],
    ids=["another relay", "another runtime"],
)
def test_a_relay_that_is_not_known_is_run_as_it_is(
    tmp_path: Path, relay: str, runtime: str
) -> None:
    done = run_relay(lay_out(tmp_path, relay + "console.log('relayed');", runtime))
    assert (done.stdout, done.stderr) == ("relayed\n", "")


def test_the_relay_of_jsii_is_known(tmp_path: Path) -> None:
    files = importlib.resources.files(jsii._embedded.jsii)
    relay, runtime = (
        files.joinpath(name).read_text() for name in ("bin__jsii-runtime.js", "lib__program.js")
    )
    file = lay_out(tmp_path, relay, runtime)
    program = """
        const [, direct, file] = process.argv;
        const text = require("node:fs").readFileSync(file, "utf8");
        console.log(JSON.stringify(require(direct).isRelay(file, text)));
    """
    assert run_node(program, tmp_path, str(ROOT / "bindings/direct.cjs"), str(file)) is True


def test_options_that_are_there_stay_and_a_path_may_have_spaces(tmp_path: Path) -> None:
    """The package is imported from a copy, in a folder whose name must be quoted."""
    folder = tmp_path / 'my "own" folder'
    (folder / "bindings").mkdir(parents=True)
    for file in Path(bindings.__file__).parent.glob("*.*"):
        (folder / "bindings" / file.name).write_bytes(file.read_bytes())
    program = (
        "import bindings, importlib, os\n"
        "importlib.reload(bindings)\n"
        "print(os.environ['NODE_OPTIONS'])"
    )
    options = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "NODE_OPTIONS": "--stack-trace-limit=7"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()
    assert options.startswith("--stack-trace-limit=7 ")
    assert options.count("lazy.cjs") == 1
    answer = load(tmp_path / "@cdktf/provider-aws", PLAIN, NODE_OPTIONS=options)
    assert answer["before"] == []


# A package's `__init__` runs before its files.
FIRST = [ROOT / "main.py", *sorted(ROOT.glob("[a-z]*/__init__.py"))]


@pytest.mark.parametrize("first", FIRST, ids=lambda file: str(file.relative_to(ROOT)))
def test_bindings_are_imported_before_cdktf(first: Path) -> None:
    files = first.parent.rglob("*.py") if first.name == "__init__.py" else [first]
    if any(IMPORTS_CDKTF.search(file.read_text()) for file in files):
        before = IMPORTS_CDKTF.split(first.read_text())[0]
        assert re.search(r"^import bindings\b", before, re.MULTILINE)
