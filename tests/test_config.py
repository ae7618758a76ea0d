"""Configurations: every file builds, every mistake gets its line, identity holds what makes results."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import initialize_config_dir

from sparsecnn.config import build, check, compose, compose_over, conf_dir, groups, identity, run_folder, sweep
from sparsecnn.errors import ConfigError
from sparsecnn.experiments import Ensemble, GreedySearch, Operations, Pack, Train

CONF = Path(__file__).resolve().parent.parent / "conf"
FILES = sorted(CONF.rglob("*.yaml"))
MANDATORY = {
    "data/parquet": ["data.folder=images"],
    "data/image_folder": ["data.folder=images"],
    "data/custom": ["data._target_=sparsecnn.data.load_digits"],
    "model/custom": ["model._target_=sparsecnn.models.lenet"],
    "experiment/alexnet_tiny_imagenet": ["data.folder=images"],
    "experiment/caffenet_ilsvrc": ["data.folder=images"],
    "allocation/explicit": ["allocation.budgets={conv1: 10}"],
}
STEP_OPERATOR = "operator@model.step.operator"
EXPERIMENTS = {"train": Train, "greedy_search": GreedySearch, "ensemble": Ensemble, "operations": Operations}
# A value such as a,b, but no list or mapping.
SWEPT = re.compile(r"=[^\[{]*,")


def name(path: Path) -> str:
    return str(path.relative_to(CONF).with_suffix(""))


@pytest.mark.parametrize("path", [path for path in FILES if path.parent != CONF], ids=name)
def test_every_choice_builds(path: Path) -> None:
    choice = name(path)
    group, _, option = choice.partition("/")
    words = next(line for line in path.read_text().splitlines() if line.startswith("# sparsecnn ")).split()
    command = words[2].replace("-", "_")
    chosen = [f"{group}={option}"] if group != "operator" else ["model=compact_resnet", f"{STEP_OPERATOR}={option}"]
    composed = compose(command, [*chosen, *MANDATORY.get(choice, [])])
    assert isinstance(build(composed.nodes), EXPERIMENTS[command])


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_file_opens_with_a_sentence_and_a_command_that_composes(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line != "# @package _global_"]
    if name(path) == "parts":
        assert lines[0].startswith("# ")
        return
    assert lines[0].startswith("# ")
    assert lines[0].rstrip().endswith((".", ":")) or "." in lines[0]
    words = shlex.split(lines[1].removeprefix("# ").partition("   ")[0])
    assert words[0] == "sparsecnn"
    overrides = [word for word in words[2:] if "=" in word and not SWEPT.search(word)]
    compose(words[1].replace("-", "_"), overrides)


@pytest.mark.parametrize(
    ("command", "overrides", "message"),
    [
        ("train", ["modle=lenet"], "there is no key modle; did you mean model?"),
        ("train", ["epochs=3"], "there is no key epochs; did you mean solver.epochs?"),
        ("train", ["solver.epcohs=3"], "there is no key solver.epcohs; did you mean solver.epochs?"),
        ("train", ["solver.momentm=1"], "there is no key solver.momentm; did you mean solver.optimizer.momentum?"),
        ("train", ["+solver.epochss=3"], "there is no key solver.epochss; did you mean solver.epochs?"),
        ("train", ["+storag.value_bits=16"], "there is no key storag.value_bits; did you mean storage.value_bits?"),
        ("train", ["+foo=1"], "there is no key foo"),
        ("train", ["allocation=uniform", "allocation.densty=1"], "there is no key allocation.densty; did you mean "),
        ("train", ["model=lent"], "model has no choice lent; did you mean lenet? (choices: alexnet, "),
        ("train", ["solver=null"], "solver has no choice null (choices: "),
        ("greedy_search", ["solver@search.refine=refin"], "solver@search.refine has no choice refin; did you mean "),
        ("train", ["experiment=none_such"], "experiment has no choice none_such (choices: "),
        ("train", ["sover.batch_sise=3"], "there is no key sover.batch_sise; did you mean solver.batch_size?"),
        ("train", ["solver.epochs=many"], "solver.epochs must be a number, got many"),
        ("train", ["solver.batch_size=1.5"], "solver.batch_size must be a whole number, got 1.5"),
        ("train", ["solver.shuffle=3"], "there is no key solver.shuffle"),
        ("train", ["solver.batch_size=true"], "solver.batch_size must be a whole number, got true"),
        ("greedy_search", ["search.rounds=false"], "search.rounds must be a whole number or null, got false"),
        (
            "train",
            ["model=lean_resnet", "model.step._target_=sparsecnn.layers.Ode"],
            "there is no key model.step.h; ~model.step.h leaves it out",
        ),
        ("train", ["solver.batch_size=null"], "solver.batch_size must be a whole number, got null"),
        ("train", ["seeds=3"], "seeds must be a list of whole numbers, got 3"),
        ("train", ["seeds=[1.5]"], "seeds must be a list of whole numbers, got [1.5]"),
        ("greedy_search", ["search.rounds=x"], "search.rounds must be a whole number or null, got x"),
        ("train", ["solver.schedule=3"], "solver.schedule must be a part with a _target_, got 3"),
        ("train", ["data=image_folder", "data.folder=x", "data.in_memory=no"], "data.in_memory must be one of auto, "),
        ("train", ["data=parquet"], "data.folder has no value; set it with data.folder=..."),
        ("train", ["model=lenet,small_cnn"], "model=lenet,small_cnn names several values; --multirun runs each of "),
        ("train", ["hydra.job.name=x"], "hydra.job.name=x: this part of the configuration cannot be set"),
        ("train", ["run.seeds=[1]"], "run.seeds=[1]: this part of the configuration cannot be set"),
        ("train", ["=x"], "cannot read an override: =x"),
        ("train", ["solver.epochs"], "cannot read an override: "),
        ("train", ["model._target_=os.nope"], "model._target_ cannot be imported: os.nope (No module named "),
        ("train", ["~solver.epochs"], "the configuration cannot be built: Solver.__init__() missing 1 required "),
        ("train", ["training.loss_every=0"], "training.loss_every must be null or at least 1, got 0"),
        ("train", ["training.loss_every=x"], "training.loss_every must be a whole number or null, got x"),
        ("train", ["storage.formats=some"], "storage.formats must be one of all, index_only, got some"),
    ],
)
def test_each_mistake_gets_one_line_that_names_what_is_right(command: str, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        build(compose(command, overrides).nodes)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_cfg_checks_what_a_run_would() -> None:
    with pytest.raises(ConfigError, match=r"solver\.epochs must be a number"):
        check(compose("train", ["solver.epochs=many"]).nodes)


def test_a_caffe_solver_brings_its_preprocessing_and_an_override_still_wins() -> None:
    brought = compose("train", ["solver=cifar10_quick", "data=cifar10", "augment=flip"])
    assert brought.choices["preprocessing"] == "mean_image"
    assert brought.choices["augment"] == "flip"
    assert compose("train", ["solver=cifar10_quick"]).choices["augment"] == "none"
    chosen = compose("train", ["solver=lenet", "preprocessing=standardize"])
    assert chosen.choices["preprocessing"] == "standardize"


def test_groups_are_listed_with_their_choices() -> None:
    found = groups("greedy_search")
    assert found["tighten"] == ["bytes", "factor"]
    assert "retrain" in found["solver@search.retrain"]
    assert "allocation" not in found
    assert "lamp" in groups("train")["allocation"]


def test_sweeps_become_a_list_of_jobs() -> None:
    jobs = sweep(["solver.epochs=1,2", "model=lenet,resnet20", "seeds=[0,1]"])
    assert len(jobs) == 4
    assert jobs[1] == ["solver.epochs=1", "model=resnet20", "seeds=[0,1]"]
    assert sweep(["solver.batch_size=range(1,4)"]) == [[f"solver.batch_size={number}"] for number in (1, 2, 3)]


UNCHANGED = [
    "device=cpu",
    "threads=1",
    "runs_dir=elsewhere",
    "run_dir=there",
    "tensorboard=true",
    "search.rounds=3",
    "search.target_memory=1/4",
    "search.accuracy_floor=50",
    "seeds=[3,4]",
    "executor=local",
    "training.cohort=4",
    "training.loss_every=null",
    "train_split.share=1.0",
    # Of what is off.
    "train_split.seed=3",
    "search.start_memory=1/8",
    "search.screen_images=10",
    "search.halving_after=0.5",
]
CHANGED = [
    "solver.epochs=3",
    "search.retrain.epochs=3",
    "model=lenet",
    "validation.seed=1",
    "train_split.share=0.5",
    "storage.formats=index_only",
    "select=least_loss",
    "precision=bfloat16",
    "search.start=lamp",
    "search.screen=projected_loss",
    "search.halving=0.5",
    "search.memory=packed",
    "training.loss_every=10",
]


@pytest.mark.parametrize("override", UNCHANGED)
def test_places_executors_and_stopping_rules_are_no_part_of_the_identity(override: str) -> None:
    assert identity(compose("greedy_search", [override])) == identity(compose("greedy_search", []))


@pytest.mark.parametrize("override", CHANGED)
def test_everything_that_makes_results_is_part_of_the_identity(override: str) -> None:
    assert identity(compose("greedy_search", [override])) != identity(compose("greedy_search", []))


def test_the_place_of_the_data_is_no_part_of_the_identity_but_names_the_folder() -> None:
    here, there = (compose("train", ["data=parquet", f"data.folder={place}"]) for place in ("a", "b"))
    assert identity(here) == identity(there)
    assert run_folder("train", here, identity(here)) != run_folder("train", there, identity(there))


def test_weights_count_by_their_content_not_by_their_place() -> None:
    here, there, none = (compose("train", [f"model.weights={place}"]) for place in ("a.pt", "b.pt", "null"))
    assert identity(here) == identity(there) == identity(none)
    folders = {run_folder("train", composed, identity(composed)) for composed in (here, there, none)}
    assert len(folders) == 3


def test_a_run_folder_is_named_after_what_makes_its_results() -> None:
    composed = compose("train", ["runs_dir=out"])
    folder = run_folder("train", composed, identity(composed))
    assert folder.parent == Path("out/train")
    assert folder.name.startswith("small_cnn-digits-")
    assert run_folder("train", compose("train", ["run_dir=here"]), {}) == Path("here")


@pytest.mark.parametrize("override", ["runs_dir=null", "runs_dir=''", "run_dir=''"])
def test_a_run_folder_must_have_a_name(override: str) -> None:
    with pytest.raises(ConfigError, match="must name a folder"):
        run_folder("train", compose("train", [override]), {})


def test_configurations_of_the_users_own_are_found(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    text = "_target_: sparsecnn.models.lenet\n_partial_: true\nweights: null\n"
    (tmp_path / "model" / "my_net.yaml").write_text(text)
    composed = compose("train", ["model=my_net"], tmp_path)
    assert composed.nodes.model._target_ == "sparsecnn.models.lenet"
    with pytest.raises(ConfigError, match="--config-dir names no folder"):
        compose("train", [], tmp_path / "none")


def test_another_folder_of_configurations_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert conf_dir() == CONF
    monkeypatch.setenv("SPARSECNN_CONF_DIR", str(tmp_path))
    assert conf_dir() == tmp_path
    monkeypatch.setenv("SPARSECNN_CONF_DIR", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="SPARSECNN_CONF_DIR names no folder"):
        conf_dir()


def test_the_configuration_as_text_leaves_the_wiring_out() -> None:
    text = compose("train", []).text()
    assert "\nrun:" not in text
    assert "\nparts:" not in text
    assert "${" not in text


def test_the_configuration_of_a_run_of_an_older_version_can_be_composed_over(tmp_path: Path) -> None:
    saved = tmp_path / "config.yaml"
    saved.write_text(compose("train", ["model=lenet"]).text().replace("  loss_every: null\n", ""))
    assert isinstance(build(compose_over("pack", saved, []).nodes), Pack)


def test_composing_leaves_hydra_as_it_was() -> None:
    compose("train", [])
    with initialize_config_dir(str(CONF), version_base="1.3"):
        pass
