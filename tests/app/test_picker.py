"""The picker offers what can run, and nothing else, and carries sensible defaults along."""

import pytest

from app.components import text
from ncengine.architectures.shapes import parameter_count
from ncengine.catalogue.architectures import ARCHITECTURES
from ncengine.config import RunConfig
from tests.app.conftest import assert_sound, make_run, open_at, texts

IMDB_READS = ["T11", "T12", "T21", "T22", "UFM"]


def options(at, name):
    """What the group of buttons of a field offers."""
    return [option.content for option in at.button_group(key=f"field:{name}").proto.options]


def picked(at):
    return at.session_state["config"]


def pick(at, **changes):
    for name, value in changes.items():
        kinds = {"dataset": at.selectbox, "patch_size": at.selectbox}
        kinds.get(name, at.button_group)(key=f"field:{name}").set_value(value).run()
    return at


def parameters(at):
    """The caption on parameters."""
    captions = [caption.value.replace("\N{NO-BREAK SPACE}", " ") for caption in at.caption]
    (line,) = [line for line in captions if " parameters** = " in line]
    return line.replace("*", "")


def has(at, kind, name):
    return any(widget.key == f"field:{name}" for widget in getattr(at, kind))


def test_text_takes_its_defaults_along_and_offers_what_can_read_it(at, examined):
    at.run()
    assert {"RN1", "RN2", *IMDB_READS} <= {*options(at, "architecture")}
    pick(at, dataset="imdb")
    assert_sound(at)
    assert picked(at) == RunConfig(dataset="imdb")
    assert (picked(at).architecture, picked(at).norm, picked(at).classes) == ("T11", "pre", 2)
    assert {*IMDB_READS} <= {*options(at, "architecture")}
    assert not {"RN1", "RN2"} & {*options(at, "architecture")}
    assert at.button_group(key="field:architecture").value == "T11"
    assert has(at, "selectbox", "vocabulary") and has(at, "selectbox", "context")
    assert not has(at, "selectbox", "classes")
    assert not at.toast
    pick(at, dataset="digits")
    assert_sound(at)
    assert picked(at) == RunConfig()
    assert at.selectbox(key="field:classes").value == 10


def test_what_cannot_read_the_new_data_is_told_and_replaced(at):
    open_at(at, architecture="RN2", depth="8")
    pick(at, dataset="imdb")
    assert_sound(at)
    assert picked(at) == RunConfig(dataset="imdb", architecture="T11", depth=8)
    assert "`RN2` must be one of T11" in at.toast[0].value
    assert "; showing **T11**" in at.toast[0].value


def test_points_are_for_no_transformer(at):
    at.run()
    pick(at, dataset="gaussian")
    assert_sound(at)
    offered = {*options(at, "architecture")}
    assert {"RN1", "RN2", "UFM"} <= offered
    assert not any(ARCHITECTURES[one].has_tokens for one in offered)


def test_the_patch_size_follows_the_images(at):
    at.run()
    pick(at, architecture="T11")
    assert_sound(at)
    box = at.selectbox(key="field:patch_size")
    assert box.options == ["1 px: 8 × 8 patches", "2 px: 4 × 4 patches", "4 px: 2 × 2 patches",
                           "8 px: 1 × 1 patches"]  # fmt: skip
    assert box.value == 2
    pick(at, patch_size=4)
    assert picked(at).patch_size == 4
    pick(at, dataset="mnist")
    assert at.selectbox(key="field:patch_size").value == picked(at).patch_size == 4
    pick(at, dataset="cifar10")
    assert at.selectbox(key="field:patch_size").value == 4
    assert "4 px: 8 × 8 patches" in at.selectbox(key="field:patch_size").options
    assert_sound(at)


def test_images_are_averaged_down_and_patches_follow(at):
    open_at(at, dataset="mnist", architecture="T11")
    assert_sound(at)
    sides = at.button_group(key="field:image_side")
    assert [option.content for option in sides.proto.options] == ["28", "14", "7", "4"]
    pick(at, image_side=14)
    assert_sound(at)
    assert (picked(at).image_side, picked(at).patch_size) == (14, 2)
    pick(at, dataset="cifar10")
    assert (picked(at).image_side, picked(at).patch_size) == (32, 8)
    # Points have no pixels.
    pick(at, dataset="gaussian")
    assert not has(at, "button_group", "image_side")


def test_how_weights_begin_is_picked_for_every_network(at):
    open_at(at, solver="K-FAC L-BFGS")
    assert_sound(at)
    scale = at.selectbox(key="field:initial_scale")
    assert scale.options[0] == "min(1, 3/L)" and scale.value == 0.0
    scale.set_value(0.3).run()
    assert_sound(at)
    assert picked(at).initial_scale == 0.3 and not has(at, "selectbox", "warmup")
    pick(at, solver="L-BFGS")
    assert picked(at).initial_scale == 0.3 and has(at, "selectbox", "warmup")
    pick(at, architecture="UFM")
    assert not has(at, "selectbox", "initial_scale")


def test_the_networks_on_the_way_are_typed(at):
    open_at(at, start="neighbour", depth="8")
    assert_sound(at)
    way = at.text_input(key="field:via")
    assert way.value == "5@0.005" and text.unbroken("by way of L = 5") in at.header[0].value
    way.set_value("2@0.02, 3").run()
    assert_sound(at)
    assert picked(at).via == "2@0.02,3@0.005"
    # One that is none is told, and the usual one taken.
    at.text_input(key="field:via").set_value("3, 2").run()
    assert not at.exception and "must be depths up to this one" in texts(at)
    assert (picked(at).start, picked(at).via) == ("neighbour", "5@0.005")
    pick(at, start="random")
    assert picked(at).origin is None
    assert "field:via" not in [box.key for box in at.text_input]


def test_an_untouched_patch_size_stays_four_by_four(at):
    open_at(at, architecture="T12")
    sizes = []
    for name in ("mnist", "cifar10", "digits"):
        pick(at, dataset=name)
        assert_sound(at)
        sizes.append(at.selectbox(key="field:patch_size").value)
    assert sizes == [7, 8, 2]


def test_two_layer_architectures_bring_a_decay_that_falls_with_depth(at):
    at.run()
    pick(at, architecture="T22")
    assert picked(at).decay_schedule == "1/L"
    assert at.button_group(key="field:decay_schedule").value == "1/L"
    pick(at, architecture="RN1")
    assert picked(at).decay_schedule == "constant"


def test_free_features_have_neither_depth_nor_schedule(at):
    at.run()
    pick(at, architecture="UFM")
    assert_sound(at)
    assert not has(at, "button_group", "depth") and not has(at, "button_group", "decay_schedule")
    assert "N·d + K·d" in parameters(at)


@pytest.mark.parametrize(
    "query",
    [{}, {"architecture": "T22", "patch_size": "4"}, {"dataset": "imdb", "context": "16"},
     {"architecture": "UFM"}, {"dataset": "gaussian", "last_bias": "true"}],
)  # fmt: skip
def test_the_number_of_parameters_is_that_of_its_formula(at, query):
    """The letters' values put into the formula, as a reader would."""
    open_at(at, **query)
    assert_sound(at)
    said, rest = parameters(at).split(" parameters = ")
    formula, letters = rest.split(", with ")
    names = {"d₀": "d0"}
    values = {}
    for letter in letters.split(", "):
        name, value = letter.split(" = ")
        *meaning, name = name.split(" ")
        # Told by a word, or by a widget's label.
        assert meaning or any(p.label.endswith(f" {name}") for p in picked(at).params.values())
        values[names.get(name, name)] = int(value.replace(",", ""))
    for sign, code in {"d₀": "d0", "·": "*", "²": "**2", "−": "-"}.items():
        formula = formula.replace(sign, code)
    count = eval(formula, {"__builtins__": {}}, values)
    assert count == int(said.replace(",", "")) == parameter_count(picked(at))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"dataset": "imdb", "architecture": "RN1"}, "**Architecture**: `RN1` must be one of T11"),
        ({"architecture": "T11", "patch_size": "3"}, "**Patch size**: `3` must be one of 1, 2, 4"),
        ({"dataset": "gaussian", "architecture": "T21"}, "`T21` must be one of RN1, RN2"),
        ({"dataset": "imdb", "context": "0"}, "**Context C**: `0` must be a whole number from 1"),
        ({"dataset": "imdb", "vocabulary": "x"}, "**Vocabulary V**: `x` must be a whole number"),
        ({"dataset": "cifar100"}, "**Data set**: `cifar100` must be one of digits"),
    ],
)
def test_an_address_of_what_cannot_run_is_told_in_words(at, query, told):
    open_at(at, **query)
    assert_sound(at)
    assert told in at.warning[0].value


@pytest.mark.parametrize(
    "fields",
    [
        {"dataset": "imdb", "architecture": "T22", "vocabulary": 777, "context": 16},
        {"dataset": "cifar10", "architecture": "T12", "patch_size": 16, "classes": 3},
        {"dataset": "fashion-mnist", "architecture": "UFM", "width": 16},
    ],
)
def test_new_fields_survive_the_way_through_an_address(at, store, fields):
    config = RunConfig(**fields)
    store.put(make_run(config))
    open_at(at, **config.query())
    assert_sound(at)
    assert not at.warning
    assert picked(at) == config


def red(at):
    """What is said below fields of values that cannot be."""
    return [caption.value for caption in at.caption if caption.value.startswith(":red[")]


@pytest.mark.parametrize(
    ("typed", "seeds"),
    [("0, 3, 7", (0, 3, 7)), ("7", (7,)), ("10-12", (10, 11, 12)), ("4 ,2", (4, 2))],
)
def test_seeds_are_typed_as_a_list(at, typed, seeds):
    at.run()
    at.button_group(key="field:seeds").set_value("other").run()
    assert_sound(at)
    box = at.text_input(key="field:seeds:other")
    assert box.value == "0, 1, 2" and picked(at).seeds == (0, 1, 2)
    box.set_value(typed).run()
    assert_sound(at)
    assert picked(at).seeds == seeds and not red(at)
    assert at.button_group(key="field:seeds").value == "other"
    assert at.text_input(key="field:seeds:other").value == ", ".join(map(str, seeds))
    at.button_group(key="field:seeds").set_value((0, 1)).run()
    assert picked(at).seeds == (0, 1) and not at.get("text_input")[0].key.endswith(":other")


@pytest.mark.parametrize("typed", ["3, 3", "many", "", "1-99", "-4", "0, x"])
def test_what_is_no_list_of_seeds_is_told_below_the_field(at, typed):
    open_at(at, seeds="4,9")
    box = at.text_input(key="field:seeds:other")
    assert box.value == "4, 9"
    box.set_value(typed).run()
    assert_sound(at)
    assert picked(at).seeds == (4, 9) and box.value in (typed, "4, 9")
    (said,) = red(at)
    assert "**Seeds**" in said and "showing **seeds 4, 9**" in said and not at.toast
    at.run()
    assert at.text_input(key="field:seeds:other").value == "4, 9"


def test_a_weight_decay_is_typed_beside_its_slider(at):
    at.run()
    box = at.text_input(key="field:weight_decay:typed")
    assert box.value == "0.005"
    box.set_value("0.0037").run()
    assert_sound(at)
    assert picked(at).weight_decay == 0.0037
    slider = at.select_slider(key="field:weight_decay")
    assert slider.value == 0.0037 and "0.0037" in slider.options
    slider.set_value(0.01).run()
    assert picked(at).weight_decay == 0.01
    assert at.text_input(key="field:weight_decay:typed").value == "0.01"
    at.text_input(key="field:weight_decay:typed").set_value("much").run()
    assert_sound(at)
    assert picked(at).weight_decay == 0.01
    (said,) = red(at)
    assert "**Weight decay λ**: `much` must be a number" in said and "showing **0.01**" in said
    assert not at.toast
    assert at.text_input(key="field:weight_decay:typed").value == "0.01"
    pick(at, loss="MSE")
    assert not red(at) and picked(at).weight_decay == 0.01
