"""What computes a part of the page Theory anywhere: the command, and the code."""

from __future__ import annotations

import streamlit as st

from app.components.theory import FLOOR, LAYERS, PROOF, Theory, Values


def draw(shown: Theory) -> None:
    """Both, to be copied, of the part that is shown."""
    values = shown.of(shown.part)
    if line := command(shown.part, values):
        st.markdown("The command that builds it:")
        st.code(line, language="sh", wrap_lines=True)
    elif shown.part == PROOF:
        st.markdown(
            "No command builds a network of so many blocks. What is shown needs none of them."
        )
    st.markdown("In Python:")
    st.code(python(shown.part, values), language="python", wrap_lines=True)


def command(part: str, values: Values) -> str:
    """`ncengine construct …`; "" of a part that no command computes."""
    if part in (FLOOR, LAYERS) or part == PROOF and _is_too_large(values):
        return ""
    options = (f"--{name.replace('_', '-')} {value}" for name, value in _built(part, values))
    return " ".join(["ncengine construct", *options])


def python(part: str, values: Values) -> str:
    """The code that computes what the part shows."""
    if part == FLOOR:
        return _floor(values)
    if part == LAYERS:
        a, blocks = values["stretch"], values["blocks"]
        lines = [f"stretch({a!r}, {blocks!r}, linear_layers={n}).cost" for n in (1, 2)]
        return "from ncengine.theory.stretch import stretch\n\n" + "\n".join(lines) + "\n"
    if part == PROOF and _is_too_large(values):
        return _unbuilt(values)
    given = ", ".join(f"{name}={value!r}" for name, value in _built(part, values))
    return f"import ncengine\n\nmade = ncengine.theory.construction({given})\nmade.summary()\n"


def _is_too_large(values: Values) -> bool:
    """Whether its blocks take more memory than any construction may."""
    from ncengine.theory.constructions.construction import MOST_BYTES, layers_and_bytes

    classes, per_class, width = (int(values[n]) for n in ("classes", "per_class", "width"))
    travel, settle = int(values["travel"]), int(values["settle"])
    network = str(values["network"])
    return layers_and_bytes(classes, per_class, width, travel, settle, network)[1] > MOST_BYTES


def _unbuilt(values: Values) -> str:
    """What the page computes of the proof's network, which needs none of its blocks."""
    given = dict(_built(PROOF, values))
    classes, width, decay = given["classes"], given["width"], given["weight_decay"]
    plan = [classes, given["per_class"], width, given["seed"]]
    plan += [given["margin"]] if "margin" in given else []
    network = f"plan, {decay!r}, optimum, ({given['travel']!r}, {given['settle']!r})"
    network += f", {given['network']!r}"
    modules = "".join(
        f"from ncengine.theory.constructions.{name} import {name}\n"
        for name in ("costs", "course", "planned")
    )
    return (
        f"from ncengine.theory import gufm_optimum\n{modules}\n"
        f"plan = planned({', '.join(map(repr, plan))})\n"
        f"optimum = gufm_optimum({classes!r}, {width!r}, {decay!r})\n"
        f"costs({network}), course({network})\n"
    )


def _floor(values: Values) -> str:
    from ncengine.theory.gufm import ideal_figure, least_width

    loss, bias = str(values["loss"]).lower(), bool(values["bias"])
    classes, width, decay = values["classes"], values["width"], values["weight_decay"]
    fits = int(width) >= least_width(int(classes), ideal_figure(loss, bias))
    name = "gufm_optimum" if fits else "best_figure"
    given = f"{classes!r}, {width!r}, {decay!r}"
    lines = [f"ncengine.theory.{name}({given}, loss={loss!r}, bias={bias!r})"]
    if loss == "ce" and int(width) >= int(classes) >= 3:
        minority, ratio = values["minority"], values["ratio"]
        lines.append(f"ncengine.theory.unequal_optimum({given}, {minority!r}, {ratio!r})")
        if int(minority) > 1:
            lines.append(f"ncengine.theory.meeting_ratio({given}, {minority!r})")
    return "import ncengine\n\n" + "\n".join(lines) + "\n"


def _built(part: str, values: Values) -> list[tuple[str, object]]:
    """The arguments of `construction`, by name."""
    names = ["classes", "per_class", "width", "weight_decay", "seed"]
    if part != PROOF:
        return [*((n, values[n]) for n in [*names, "delta"]), ("network", "pre-LN")]
    given: list[tuple[str, object]] = [
        (n, values[n]) for n in [*names, "travel", "settle", "network"]
    ]
    if float(values["margin"]) < 1:
        from ncengine.theory.constructions.planned import planned

        sizes = (int(values[n]) for n in ("classes", "per_class", "width", "seed"))
        given.append(("margin", float(values["margin"]) * planned(*sizes).curves.margin))
    return given
