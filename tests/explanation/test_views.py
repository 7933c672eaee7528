"""Equations, words, priors and code, by their text; and that what stands in one view stands in all."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from hlm.data.clean_data import clean
from hlm.data.packaged_sets import load_data
from hlm.errors import DataError, FitError, FormulaError
from hlm.explanation.code_r import r_name
from hlm.explanation.explain import Explanation, explain
from hlm.explanation.math_text import plain
from hlm.explanation.parameter_counts import strategy_coefficients
from hlm.explanation.regressors import Column, term_columns
from hlm.explanation.symbols import symbol
from hlm.formula.parser import parse
from hlm.model.design_columns import columns
from hlm.model.families import FAMILIES
from hlm.model.priors import Prior
from hlm.model.resolve import default_priors

EXAM = "post ~ pre + (pre|school)"


def test_exam_equations_are_the_lecture_s(explained_as: Callable[[str], Explanation]) -> None:
    text = explained_as("correlated").equations.text
    for line in (
        "postₖᵢ ~ Normal(μₖᵢ, σ)            for row i of school k (4059 rows in all)",
        "μₖᵢ = αₖ + βₖ · preₖᵢ",
        "(αₖ, βₖ) ~ MVNormal((μ_α, μ_β), Σ)   for each school, k = 1, …, 65",
        "μₖᵢ = (α + γₖ) + (β + δₖ) · preₖᵢ",
        "(γₖ, δₖ) ~ MVNormal((0, 0), Σ)",
        "Σ = diag(τ_α, τ_β) · Ω · diag(τ_α, τ_β)",
        "Ω = [1, ρ; ρ, 1]",
        "μ_α + μ_β · mean(pre) ~ Normal(0, 2.5) ",
        "Ω ~ LKJ(1)",
        "a normal variable with mean m is m plus a normal one with mean 0: αₖ = μ_α + γₖ",
    ):
        assert line in text, line


READINGS = [
    ("uncorrelated", ["αₖ ~ Normal(μ_α, τ_α)", "βₖ ~ Normal(μ_β, τ_β)", "δₖ ~ Normal(0, τ_β)"]),
    ("intercepts", ["μₖᵢ = αₖ + β · preₖᵢ", "μₖᵢ = (α + γₖ) + β · preₖᵢ"]),
    ("slopes", ["μₖᵢ = α + βₖ · preₖᵢ", "μₖᵢ = α + (β + δₖ) · preₖᵢ"]),
    ("nested", ["μᵢ = α^(batch:cask)_l[i]", "α^(batch:cask)ₗ ~ Normal(α^(batch)_k[l], τ^(batch:cask)_α)"]),
    ("crossed", ["μᵢ = α^(plate)_k[i] + γ^(sample)_l[i]", "γ^(sample)ₗ ~ Normal(0, τ^(sample)_α)"]),
    ("binomial", ["incidenceₖᵢ ~ Binomial(sizeₖᵢ, pₖᵢ)", "logit(pₖᵢ) = αₖ + β₁ · [period = 2]ₖᵢ"]),
    ("covariates", ["(αₖ, β₁ₖ) ~ MVNormal((μ_α, μ_β₁), Σ)", "β₅ ~ Normal(0, 11.5)"]),
    ("no common slope", ["(αₖ, βₖ) ~ MVNormal((μ_α, 0), Σ)", "μₖᵢ = (α + γₖ) + δₖ · preₖᵢ"]),
    ("no intercept", ["(αₖ, βₖ) ~ MVNormal((0, μ_β), Σ)"]),
    ("factor without intercept", ["μₖᵢ = α + β₁ₖ · [sex = M]ₖᵢ + β₂ₖ · [sex = F]ₖᵢ", "MVNormal((0, μ_β₁), Σ)"]),
    ("interaction", ["β₄ · preₖᵢ · [sex = M]ₖᵢ", "(β₃ₖ, β₂ₖ) ~ MVNormal((0, μ_β₂), Σ)"]),
    ("without a group", ["The model", "α + β₁ · mean(pre) + β₂ · mean([sex = M]) ~ Normal"]),
    ("without data", ["k = 1, …, K", "μ_β ~ Normal(0, 2.5 · sd(post)/sd(pre))", "σ ~ HalfStudentT(4, sd(post))"]),
    ("mixed nesting", ["μᵢ = (α^(a)_k[i] + γ^(a:b)_l[i]) + β^(a)_k[i] · xᵢ"]),
    ("labels", ["softmax(ηₖᵢ)", "(α^((c))ₖ, β^((c))ₖ)"]),
    ("ordinal", ["P(yₖᵢ≤c) = invlogit(θ_c − ηₖᵢ)"]),
]


@pytest.mark.parametrize(("name", "lines"), READINGS)
def test_readings(name: str, lines: list[str], explained_as: Callable[[str], Explanation]) -> None:
    text = explained_as(name).equations.text
    for line in lines:
        assert line in text, text


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_equations_words_and_a_picture(family: str) -> None:
    left = "p(k, n)" if FAMILIES[family].support == "trials" else "y"
    explanation = explain(f"{left} ~ x + (x|g)", family=family)
    assert f"~ {FAMILIES[family].distribution}(" in explanation.equations.text
    assert FAMILIES[family].meaning in explanation.words.terms[0].text
    assert explanation.diagram.svg.startswith("<svg")
    named = {prior.name for prior in explanation.model.priors}
    assert set(FAMILIES[family].auxiliary) < named


def test_every_parameter_is_in_every_view(explained: Explanation) -> None:
    model, html = explained.model, unescape(explained._repr_html_())
    terms = " ".join(f"{s.about} {s.text}" for s in explained.words.terms)
    for prior in model.priors:
        letters = plain(symbol(prior, model))
        assert letters in terms, (prior.name, "words")
        equation = letters.replace("ρ", "Ω") if prior.role == "correlation" else letters
        assert equation in explained.equations.text, (prior.name, "equations")
        assert prior.label in html and prior.label in str(explained.priors), (prior.name, "priors")
        if "Not written out here" not in explained.code["pymc"]:
            printed = prior.label if prior.role != "sd" or model.bars[prior.bar or 0].correlation is None else "sd_dist"
            assert printed in explained.code["pymc"], (prior.name, "pymc")


def test_priors_are_those_that_are_fitted(explained: Explanation) -> None:
    """The table against `default_priors`, number by number."""
    model = explained.model
    if model.data is None:
        return
    defaults = default_priors(model.formula, model.data, family=model.family.name)
    assert {prior.name for prior in model.priors} == set(defaults)
    for name, default in defaults.items():
        rows = [prior for prior in model.priors if prior.name == name]
        for key, value in default.args.items():
            expected = value if isinstance(value, tuple) else (value,) * len(rows)
            assert [prior.numbers[key] for prior in rows] == list(expected), name


def test_columns_are_the_design_s() -> None:
    """Products of the named parts are the design's columns, in its order, factors and interactions alike."""
    exam = load_data("exam")

    def values(column: Column) -> np.ndarray:
        parts = [exam[p.variable] if p.level is None else exam[p.variable] == p.level for p in column.parts]
        return np.prod([np.ones(len(exam)), *parts], axis=0)

    for text in ("pre * sex * intake", "0 + intake + intake:pre", "sex:intake + sex + intake", "0 + sex"):
        formula = parse(f"post ~ {text}")
        data = clean(formula, exam)
        mine = term_columns(formula.common, data)
        design = columns(formula.common, data)
        assert [c.label for c in mine] == list(design.labels)
        np.testing.assert_array_equal(np.column_stack([values(c) for c in mine]), design.matrix)


def test_strategy_coefficients_are_the_ranks_of_their_designs() -> None:
    """By a second route: the rank of dummy columns times effects, written out densely."""
    exam, penicillin, pastes, cbpp = map(load_data, ("exam", "penicillin", "pastes", "cbpp"))

    def own(group: pd.Series, *effects: np.ndarray) -> np.ndarray:
        dummies = pd.get_dummies(group).to_numpy(float)
        return np.hstack([dummies * np.asarray(e)[:, None] for e in effects])

    one, pre = np.ones(len(exam)), exam["pre"].to_numpy()
    male = (exam["sex"] == "M").to_numpy(float)
    plates = np.hstack([own(penicillin["plate"], np.ones(144)), own(penicillin["sample"], np.ones(144))])
    period = pd.get_dummies(cbpp["period"]).to_numpy(float)
    expected = {
        (EXAM, "exam"): np.linalg.matrix_rank(own(exam["school"], one, pre)),
        ("post ~ pre + sex + (1|school)", "exam"): np.linalg.matrix_rank(
            np.column_stack([own(exam["school"], one), pre, male])
        ),
        ("diameter ~ 1 + (1|plate) + (1|sample)", "penicillin"): np.linalg.matrix_rank(plates),
        ("strength ~ 1 + (1|batch/cask)", "pastes"): pastes["sample"].nunique(),
        ("incidence ~ period + (1|herd)", "cbpp"): np.linalg.matrix_rank(
            np.hstack([own(cbpp["herd"], np.ones(56)), period])
        ),
    }
    for (formula, name), rank in expected.items():
        counts = strategy_coefficients(explain(formula, load_data(name)).model)
        assert counts is not None and counts["none"] == rank, formula


def test_words_of_exam(explained_as: Callable[[str], Explanation]) -> None:
    said = explained_as("correlated").words
    assert said.terms[4].text == (
        "Each school has its own slope for pre, βₖ; these vary around the common slope for pre, μ_β, "
        "with standard deviation τ_β."
    )
    assert [one.about for one in said.strategies] == ["complete", "none", "partial"]
    assert said.strategies[0].text.startswith("post ~ pre: school ignored") and said.strategies[0].text.endswith(
        "2 coefficients."
    )
    assert "post ~ 0 + school + school:pre" in said.strategies[1].text and "130 coefficients" in said.strategies[1].text
    assert "132 coefficients (2 common + 2 × 65 departures" in said.strategies[2].text
    assert said.notes[0].startswith("The model has 6 parameters: 2 common coefficients, 2 standard deviations")


def test_words_say_what_is_left_out(explained_as: Callable[[str], Explanation]) -> None:
    assert "tells nothing about its slope for pre" in str(explained_as("uncorrelated").words)
    assert "there is no common slope for pre" in str(explained_as("no common slope").words)
    assert "around the intercept of their batch" in str(explained_as("nested").words)
    assert "No pooling: schavg is left out" in str(explained_as("covariates").words)
    frame = pd.DataFrame({"y": [1, 2, None, 4, 5, 7], "g": list("aabbcc")})
    assert "1 of 6 rows left out for missing values: y (1)." in explain("y ~ 1 + (1|g)", frame).words.notes


def test_a_given_prior_is_shown_as_given() -> None:
    for data in (None, load_data("exam")):
        explanation = explain(EXAM, data, priors={"sigma": Prior("Exponential", lam=2)})
        row = next(r for r in explanation.priors.rows if r.name == "sigma")
        assert (row.prior, row.reason) == ("Exponential(2)", "given by you")
        assert 'pm.Exponential("sigma", lam=2)' in explanation.code["pymc"]
    assert list(explanation.priors.to_frame().columns) == ["name", "symbol", "prior", "reason"]


def test_code_of_other_programs(explained_as: Callable[[str], Explanation]) -> None:
    assert "fit <- lmer(post ~ pre + (pre | school), data)" in explained_as("correlated").code["lme4"]
    glmer = explained_as("binomial").code["lme4"]
    assert "glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), data, family = binomial)" in glmer
    brms = explained_as("covariates").code["brms"]
    assert 'prior(normal(0, 6.83801), class = b, coef = "intakemid50%")' in brms
    assert 'prior(lkj(1), class = cor, group = "school")' in brms
    bambi = explained_as("correlated").code["Bambi"]
    assert "Bambi alone fits (pre|school) WITHOUT the correlation" in bambi
    assert 'hlm.build("post ~ pre + (pre|school)", data)' in bambi
    assert "WITHOUT" not in explained_as("uncorrelated").code["bambi"]
    assert '"post ~ 1 + pre + (1|school) + (0 + pre|school)"' in explained_as("uncorrelated").code["bambi"]
    assert "lme4 has no cumulative family" in explained_as("ordinal").code["lme4"]
    with pytest.raises(FitError, match="no code for 'stan'"):
        explained_as("ordinal").code["stan"]


R_TEXTS = [
    ("post ~ scale( pre ) + I(pre^2) + (scale(pre) | school)", "post ~ scale(pre) + I(pre^2) + (scale(pre) | school)"),
    ("post ~ center(pre) + center(log(pre)) + (1|g)", "scale(pre, scale = FALSE) + scale(log(pre), scale = FALSE)"),
    ("y ~ C(x) + as.factor(z) + poly(x, 2, raw=TRUE) + (1|g)", "y ~ factor(x) + as.factor(z) + poly(x, 2, raw = TRUE)"),
    ("y ~ ns(x, df = 3) + (1|g)", "library(splines)"),
    ("y ~ I(größe/2) + offset(log(n)) + (1|g)", "y ~ I(`größe`/2) + offset(log(n)) + (1 | g)"),
    ("log(y) ~ . - id + (x|g)", "log(y) ~ . - id - g + (x | g)"),  # lme4 takes g into '.'
    ("y ~ (1|factor(g))", "make factor(g) one"),
]


@pytest.mark.parametrize(("formula", "text"), R_TEXTS)
def test_r_code_is_the_formula_as_written(formula: str, text: str) -> None:
    code = explain(formula).code
    assert text in code["lme4"]
    assert text in code["brms"] or "make factor(g) one" in text


def test_counts_and_proportions() -> None:
    cbpp = load_data("cbpp")
    options: dict[str, Any] = {"family": "binomial", "weights": "size"}
    for data in (None, cbpp):
        share = explain("incidence/size ~ period + (1|herd)", data, **options)
        assert "incidenceₖᵢ ~ Binomial(sizeₖᵢ, pₖᵢ)" in share.equations.text
        glmer = "glmer(incidence/size ~ period + (1 | herd), data, family = binomial, weights = size)"
        assert glmer in share.code["lme4"]
        assert 'family="binomial", weights="size")' in share.code["bambi"]
        assert "incidence | trials(size) ~ period" in share.code["brms"]
    both = explain("cbind(incidence, size - incidence) ~ period + (1|herd)", cbpp, family="binomial")
    assert [p.numbers for p in both.model.priors] == [p.numbers for p in share.model.priors]
    assert "glmer(cbind(incidence, size - incidence) ~ period" in both.code["lme4"]
    sums = explain("cbind(k, f) ~ x + (1|g)", family="binomial")
    assert "k | trials(k + f) ~ x" in sums.code["brms"]
    assert "n = np.rint(k_ + f).astype(int)" in sums.code["pymc"]


def test_words_of_functions() -> None:
    exam = load_data("exam")
    said = explain(
        "post ~ scale(pre) + poly(pre, 2) + I(pre > 0) + offset(pre/2) + (scale(pre)|factor(school))", exam
    ).words
    mean, sd = exam["pre"].mean(), exam["pre"].std()
    assert [s.about for s in said.functions] == [
        "scale(pre)", "poly(pre, 2)", "I(pre > 0)", "factor(school)", "I(pre/2)", "offset(I(pre/2))",
    ]  # fmt: skip
    assert (
        f"0 is the average row (pre = {mean:.4g}), and one unit is one standard deviation ({sd:.4g})."
        in said.functions[0].text
    )
    assert "a polynomial of degree 2 in pre, made of 2 columns" in said.functions[1].text
    assert "an offset has no coefficient" in said.functions[5].text
    assert (
        "where scale(pre) is 0, the curve in pre is at its average, I(pre > 0) is False, in an average school."
        in said.terms[1].text
    )
    assert "Each school has its own slope for scale(pre), β₁ₖ" in str(said)
    assert "post ~ 0 + factor(school) + factor(school):scale(pre)" in said.strategies[1].text
    assert "no pooling" not in said.strategies[2].text and "poly(pre, 2) + I(pre > 0)" in said.strategies[2].text


def test_the_offset_stands_in_equations_and_picture_without_a_coefficient() -> None:
    explanation = explain("y ~ x + offset(log(n)) + (1|g)", family="poisson")
    assert "log(μₖᵢ) = αₖ + β · xₖᵢ + log(n)ₖᵢ" in explanation.equations.text
    assert "log(n)" in explanation.diagram.svg
    assert not any("log(n)" in prior.name for prior in explanation.model.priors)


def test_the_dot_is_written_out_where_data_say_what_it_is() -> None:
    frame = load_data("exam")[["post", "pre", "sex", "school"]]
    explanation = explain("post ~ . + (1|school)", frame)
    assert "'.' stands for pre, sex." in explanation.words.notes
    assert str(explanation).startswith("post ~ pre + sex + (1|school)\n")
    assert "every other column" in explain("post ~ . + (1|school)").equations.text


def test_functions_of_one_s_own_in_every_view() -> None:
    frame = load_data("sleepstudy")
    explanation = explain("Reaction ~ late(Days) + (1|Subject)", frame, functions={"late": lambda days: days - 3.0})
    assert "late(Days) is what your function late gives." in str(explanation.words)
    assert 'functions={"late": late})' in explanation.code["bambi"]
    assert "# late: your own function" in explanation.code["pymc"]
    assert "late() is a function of your own: define it in R, too" in explanation.code["lme4"]
    truth = explain("Reaction ~ late(Days) + (1|Subject)", frame, functions={"late": lambda days: days > 3.0})
    assert "= (late(Days)).astype(float)" in truth.code["pymc"]
    with pytest.raises(FormulaError, match="late\\(\\) is not a function of formulas"):
        explain("Reaction ~ late(Days) + (1|Subject)", frame)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("pre", "pre"),
        ("a b", "`a b`"),
        ("if", "`if`"),
        ("größe", "`größe`"),
        ("a`b\\", "`a\\`b\\\\`"),
        (".2x", "`.2x`"),
    ],
)
def test_names_in_r(name: str, written: str) -> None:
    assert r_name(name) == written


def test_awkward_names_are_escaped_everywhere(named: tuple[tuple[str, str, str], str, pd.DataFrame]) -> None:
    names, formula, frame = named
    explanation = explain(formula, frame)
    html = explanation._repr_html_()
    assert "<script" not in html
    assert all(name in unescape(html) for name in names)
    ElementTree.fromstring(f"<div>{explanation.equations.html.replace('&#160;', ' ')}</div>")
    ast.parse(explanation.code["pymc"])
    ast.parse(explanation.code["bambi"])
    latex = re.sub(r"\\.", "", explanation.equations.latex)  # what stays unescaped
    assert latex.count("{") == latex.count("}")
    assert not re.search(r"[$#~]", latex) and latex.count("%") == len(explanation.equations.sections)


def test_latex_is_read_by_another_program(explained: Explanation) -> None:
    """Matplotlib's reader of TeX takes every line that has no matrix, which it cannot set."""
    from matplotlib.mathtext import MathTextParser

    parser = MathTextParser("path")
    body = re.sub(r"\\(begin|end)\{aligned\}|\\\[|\\\]", "", explained.equations.latex)
    lines = [line.strip().removesuffix(r"\\") for line in body.splitlines() if line.strip() and line[0] != "%"]
    for line in lines:
        if "pmatrix" not in line:
            parser.parse(f"${line.replace('&', '')}$")


def test_terminal_and_jupyter(explained_as: Callable[[str], Explanation]) -> None:
    explanation = explained_as("correlated")
    text, html = str(explanation), explanation._repr_html_()
    positions = [text.index(t) for t in ("In words", "In equations", "Priors\n", "In code")]
    assert positions == sorted(positions)
    assert all(part in html for part in ("<img", ">In equations</h3>", ">Priors</h3>", "<summary>pymc</summary>"))
    assert not re.search(r"<script|<link|https?://(?!www\.w3\.org)", html)


BAD = [
    ("y ~ x | g", {}, FormulaError, "must stand inside parentheses"),
    ("y ~ x + (x|g)", {"family": "normal"}, FitError, "no family 'normal'"),
    ("y ~ x + (x|g)", {"family": "binomial"}, DataError, r"write p\(y, n\) ~"),
    ("p(k, n) ~ x + (x|g)", {}, DataError, "add family='binomial'"),
    ("y ~ x + (x|g)", {"priors": {"slope": Prior("Normal", mu=0, sigma=1)}}, FitError, "no parameter 'slope'"),
    ("y ~ x + (x|g)", {"data": pd.DataFrame({"y": [1, 2], "x": [1, 2]})}, DataError, "'g'"),
]


@pytest.mark.parametrize(("formula", "options", "error", "message"), BAD)
def test_bad_input(formula: str, options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        explain(formula, **options)  # type: ignore[arg-type]


def test_without_data_nothing_heavy_is_loaded() -> None:
    """The command answers in about a second: pandas alone takes half of that, Bambi five seconds."""
    heavy = ["bambi", "pymc", "pytensor", "formulae", "pandas", "matplotlib", "numba", "scipy"]
    code = f"import sys, json; from hlm.cli import main; s = main(['explain', {EXAM!r}]); "
    code += f"print(json.dumps([s, [m for m in {heavy} if m in sys.modules]]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]
