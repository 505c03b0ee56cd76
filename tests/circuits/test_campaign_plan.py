"""Plans: read from files, and refused with the file, the line and the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from circuitboard.circuits.campaign.plan import Plan, PlanError, PlannedMethod, read_plan
from circuitboard.circuits.known.known import known_circuits
from circuitboard.cli_discover import Order, cells_of
from circuitboard.models.tiny import new_gpt2, save_model
from circuitboard.spec.task import Pair, Task

YAML = """\
tasks: [known:induction, mine.jsonl]
models:
  - names
  - {name: gpt2, dtype: bfloat16}
methods:
  - eap
  - name: eap-ig-inputs
    options: {steps: 7}
seeds: [0, 1]
held_out: 0.5
"""
TOML = """\
tasks = ["known:induction", "mine.jsonl"]
models = ["names", {name = "gpt2", dtype = "bfloat16"}]
seeds = [0, 1]
held_out = 0.5
methods = ["eap", {name = "eap-ig-inputs", options = {steps = 7}}]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Task("mine", (Pair("a", "b", ("c",), ("d",)),)).to_jsonl(tmp_path / "mine.jsonl")
    return tmp_path


def plan(home: Path, text: str, ending: str = "yaml") -> Path:
    path = home / f"plan.{ending}"
    path.write_text(text)
    return path


def test_every_task_meets_every_model_method_and_seed(home: Path) -> None:
    cells = read_plan(plan(home, YAML))
    asked = {(c.task, c.model, c.method, c.seed) for c in cells}
    methods = ("eap", "eap-ig-inputs")
    assert asked == {
        (task, model, method, seed)
        for task, model in (
            ("known:induction", "known:induction"),
            ("mine", "names"),
            ("mine", "gpt2"),
        )
        for method in methods
        for seed in (0, 1)
    }
    assert len({c.key for c in cells}) == len(cells) == 12
    assert {c.dtype for c in cells if c.model == "gpt2"} == {"bfloat16"}
    assert {c.options.get("steps") for c in cells} == {None, 7}
    assert {c.held_out for c in cells} == {0.5}
    assert [c.model for c in cells] == sorted(c.model for c in cells)


def test_toml_says_the_same(home: Path) -> None:
    assert read_plan(plan(home, TOML, "toml")) == read_plan(plan(home, YAML))


def test_what_is_given_twice_is_done_once(home: Path) -> None:
    twice = "tasks: [known:relay, known:relay]\nmethods: [eap, eap]\nseeds: [3, 3]\n"
    assert len(read_plan(plan(home, twice))) == 1


def test_a_key_is_what_is_done_and_not_where(home: Path, tmp_path_factory: pytest.TempPathFactory):
    other = tmp_path_factory.mktemp("elsewhere")
    (other / "mine.jsonl").write_bytes((home / "mine.jsonl").read_bytes())
    text = "tasks: [mine.jsonl]\nmodels: [names]\nmethods: [eap]\n"
    (one,), (two,) = read_plan(plan(home, text)), read_plan(plan(other, text))
    assert one.task_at != two.task_at
    assert one.key == two.key
    changed = Task("mine", (Pair("a", "b", ("c",), ("e",)),))
    changed.to_jsonl(other / "mine.jsonl")
    assert read_plan(plan(other, text))[0].key != one.key
    for more in ("seeds: [1]", "pairs: 1", "held_out: 0.5"):
        assert read_plan(plan(home, text + more))[0].key != one.key
    optional = text.replace("eap", "{name: eap, options: {size: 20}}")
    assert read_plan(plan(home, optional))[0].key != one.key


def test_a_model_that_was_trained_on_is_another_model(home: Path) -> None:
    text = "tasks: [mine.jsonl]\nmodels: [./small]\nmethods: [eap]\n"
    keys = []
    for seed in (0, 1):
        save_model(new_gpt2(8, 8, 8, 1, 1, seed), home / "small")
        (cell,) = read_plan(plan(home, text))
        assert cell.model == "small"
        assert cell.model_at == str(home / "small")
        keys.append(cell.key)
    assert keys[0] != keys[1]


REFUSED = {
    "unknown field": (
        YAML + "seed: 3\n",
        r"plan\.yaml:11: seed: Object contains unknown field `seed`.*Fields are: tasks, methods",
    ),
    "wrong type": (
        YAML.replace("[0, 1]", "[0,\n  one]"),
        r"plan\.yaml:10: seeds\[1\]: Expected `int`, got `str`",
    ),
    "deep": (
        YAML.replace("steps: 7", "steps: [7]"),
        r"plan\.yaml:8: methods\[1\].options.*: Expected `.*`, got `array`",
    ),
    "unknown field of a method": (
        YAML.replace("options:", "option:"),
        r"plan\.yaml:8: methods\[1\]\.option: Object contains unknown field `option`",
    ),
    "no method": (
        YAML.replace("- eap\n", "- eep\n"),
        r"plan\.yaml:6: methods\[0\]: 'eep' is not a method\. Methods are edge-patching, eap",
    ),
    "no such option": (
        YAML.replace("steps: 7", "stops: 7"),
        r"plan\.yaml:7: methods\[1\]: eap-ig-inputs takes no stops",
    ),
    "dtype": (
        YAML.replace("bfloat16", "int8"),
        r"plan\.yaml:4: models\[1\]\.dtype: Invalid enum value 'int8'",
    ),
    "nothing to do": (
        "tasks: []\nmethods: [eap]\n",
        r"plan\.yaml:1: tasks: Expected `array` of length >= 1",
    ),
    "left out": ("tasks: [known:relay]\n", r"missing required field `methods`"),
    "not a plan": ("- 1\n", r"Expected `object`, got `array`"),
    "empty": ("", r"Expected `object`, got `null`"),
    "no file": (
        YAML.replace("mine.jsonl", "ours.jsonl"),
        r"plan\.yaml:1: tasks\[1\]: There is no file .*ours\.jsonl\. Paths are relative",
    ),
    "no task": (
        YAML.replace("mine.jsonl", "mine"),
        r"plan\.yaml:1: tasks\[1\]: 'mine' is no task\. There are agreement, docstring",
    ),
    "no known circuit": (
        "tasks:\n  - known:relay\n  - known:telex\nmethods: [eap]\n",
        r"plan\.yaml:3: tasks\[1\]: There is no known circuit 'known:telex'.*backup, gates",
    ),
    "no model": (
        "methods: [eap]\ntasks: [mine.jsonl]\n",
        r"plan\.yaml:2: tasks\[0\]: There is no model for mine\.jsonl",
    ),
    "half": (YAML + "pairs: 0\n", r"plan\.yaml:11: pairs: Expected `int` >= 1"),
    "share": (YAML.replace("0.5", "1.5"), r"plan\.yaml:10: held_out: Expected `float` < 1"),
    "not YAML": ("tasks: [a\nmethods: b\n", r"plan\.yaml:2: not YAML: "),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refused_plan_says_where_and_why(home: Path, what: str) -> None:
    text, message = REFUSED[what]
    with pytest.raises(PlanError, match=f"(?s){message}"):
        read_plan(plan(home, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TOML + "seed = 3\n", r"plan\.toml:6: seed: Object contains unknown field"),
        (TOML.replace("[0, 1]", "['a']"), r"plan\.toml:3: seeds\[0\]: Expected `int`"),
        (TOML.replace("bfloat16", "int8"), r"plan\.toml:2: models\[1\]\.dtype: Invalid enum"),
        (TOML.replace('"mine.jsonl"', '"no.csv"'), r"plan\.toml:1: tasks\[1\]: There is no file"),
        ("a = 1\ntasks = [a]\n", r"plan\.toml is not TOML: .*line 2"),
    ],
)
def test_a_refused_toml_plan_says_where_and_why(home: Path, text: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        read_plan(plan(home, text, "toml"))


def test_a_plan_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        read_plan(tmp_path / "no.yaml")


def test_built_in_tasks_go_by_their_names(home: Path) -> None:
    cells = read_plan(plan(home, "tasks: [ioi]\nmodels: [names]\nmethods: [eap]\n"))
    assert [(cell.task, cell.task_digest) for cell in cells] == [("ioi", "")]


def test_a_plan_in_python() -> None:
    names = tuple(f"known:{name}" for name in known_circuits())
    made = Plan(names, ("eap", PlannedMethod("eap-ig-inputs", {"steps": 3})))
    assert len(made.cells()) == 2 * len(names)


def test_neurons_are_an_option_of_every_method(home: Path) -> None:
    text = YAML.replace("steps: 7", "steps: 7, neurons: 5")
    cells = read_plan(plan(home, text))
    assert {c.options.get("neurons") for c in cells if c.method == "eap-ig-inputs"} == {5}
    assert "neurons=5" in next(c.label for c in cells if c.method == "eap-ig-inputs")
    with pytest.raises(PlanError, match="neurons"):
        read_plan(plan(home, text.replace("neurons: 5", "neurons: many")))


def test_neurons_of_one_task_on_the_command_line(home: Path) -> None:
    one = Order("known:neurons", home, methods=("eap", "acdc"), neurons=18)
    assert [(c.method, c.options) for c in cells_of(one)] == [
        ("eap", {"neurons": 18}),
        ("acdc", {"neurons": 18}),
    ]
    with pytest.raises(PlanError, match="says itself"):
        cells_of(Order(str(plan(home, YAML)), home, neurons=3))
