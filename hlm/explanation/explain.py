"""`explain`: a formula as words, equations, priors, a diagram and code, all printed from one structure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from hlm.errors import UnknownNameError, nearest
from hlm.explanation.code_bambi import bambi_code
from hlm.explanation.code_pymc import pymc_code
from hlm.explanation.code_r import brms_code, lme4_code
from hlm.explanation.diagram import Diagram, diagram
from hlm.explanation.equations import Equations, equations
from hlm.explanation.html_pieces import heading, lettered, program, styled, wide
from hlm.explanation.math_expression import visible
from hlm.explanation.priors_table import PriorTable, prior_table
from hlm.explanation.read_structure import model_structure
from hlm.explanation.structure import ModelStructure
from hlm.explanation.words import Words, words
from hlm.formula.formula import Formula

if TYPE_CHECKING:
    from hlm.data.transforms import Functions


from hlm.model.priors import GivenPriors


@dataclass(frozen=True, slots=True)
class Explanation:
    """A model from five sides; prints in a terminal, shows itself as one page in Jupyter."""

    model: ModelStructure  # what all views are printed from

    @property
    def words(self) -> Words:
        """Sentences: ``.terms``, ``.strategies``, ``.notes``; ``str()`` of it is the text."""
        return words(self.model)

    @property
    def equations(self) -> Equations:
        """Both parametrisations: ``.text``, ``.latex``, ``.html``."""
        return equations(self.model)

    @property
    def priors(self) -> PriorTable:
        """Every prior with its reason: ``.rows``, ``.to_frame()``."""
        return prior_table(self.model)

    @property
    def diagram(self) -> Diagram:
        """The picture: ``.svg``, ``.save(path)``."""
        return diagram(self.model)

    @property
    def code(self) -> Code:
        """The same model elsewhere: ``["lme4"]``, ``["brms"]``, ``["bambi"]``, ``["pymc"]``."""
        writers = {"lme4": lme4_code, "brms": brms_code, "bambi": bambi_code, "pymc": pymc_code}
        return Code({language: write(self.model) for language, write in writers.items()})

    def __repr__(self) -> str:
        views = {"In words": self.words, "In equations": self.equations, "Priors": self.priors, "In code": self.code}
        parts = [f"{title}\n{'=' * len(title)}\n{view}" for title, view in views.items()]
        return "\n\n".join([str(self.model.written), *parts]).rstrip() + "\n"

    def _repr_html_(self) -> str:
        """One page without scripts, which loads nothing; everything from the user is escaped."""
        words, equations, code = self.words, self.equations, self.code
        why = f"<p>{lettered(equations.why)}</p>" if equations.why else ""
        programs = "".join(
            f"<details{' open' if name == 'lme4' else ''}><summary>{escape(name)}</summary>{program(text)}</details>"
            for name, text in code.items()
        )
        return styled(
            f"{heading(2, f'<code>{escape(visible(str(self.model.written)))}</code>')}"
            f"{heading(3, 'In words')}{words.html}"
            f"{heading(3, 'The picture')}{wide(self.diagram._repr_html_())}"
            f"{heading(3, 'In equations')}{equations.html}{why}"
            f"<details><summary>LaTeX</summary>{program(equations.latex)}</details>"
            f"{heading(3, 'Priors')}{wide(self.priors._repr_html_())}"
            f"{heading(3, 'In code')}{programs}"
        )


class Code(Mapping[str, str]):
    """Code by language: ``code["lme4"]``, ``["brms"]``, ``["bambi"]``, ``["pymc"]``; prints all four."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, language: str) -> str:
        if language not in self:
            raise UnknownNameError(f"There is no code for {language!r}. {nearest(language, self._texts)}")
        return self._texts[language.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, language: object) -> bool:
        return isinstance(language, str) and language.lower() in self._texts

    def __repr__(self) -> str:
        return "\n\n".join(f"# {'-' * 8} {language} {'-' * 8}\n{text}" for language, text in self.items())


def explain(
    formula: str | Formula,
    data: Any = None,
    *,
    family: str = "gaussian",
    link: str | None = None,
    weights: str | None = None,
    functions: Functions | None = None,
    priors: GivenPriors | None = None,
) -> Explanation:
    """Say what a formula means: in words, equations, priors, a diagram, and code for four programs.

    Nothing is fitted. Without data the numbers of groups and rows are letters, priors are given as the rule that data
    will turn into numbers, and every predictor is taken for a number.

    Parameters
    ----------
    formula : str
        For example ``"post ~ pre + (pre|school)"``.
    data : data frame, optional
        Anything that `fit` takes; gives the sizes, the levels of factors and the priors' numbers.
    family : str
    link : str, optional
        The family's link function (see `fit`).
    weights : str, optional
        The column of trials of a binomial proportion, ``k/n ~ x`` with ``weights="n"``.
    functions : mapping of str to callable, optional
        Your own functions by the names that the formula calls them, as in `fit`; without data only their names count.
    priors : mapping of str to Prior or bambi.Prior, or "bambi", optional
        Replacements by name, as in `fit` (see `default_priors` for the names).

    Returns
    -------
    Explanation
        ``.words``, ``.equations`` (``.text``, ``.latex``, ``.html``), ``.priors``, ``.diagram`` (``.svg``,
        ``.save(path)``), ``.code["lme4" | "brms" | "bambi" | "pymc"]``. Prints as text, in Jupyter as one page.

    Raises
    ------
    FormulaError, DataError, FitError
        Where formula, data, family or priors cannot be used.

    Notes
    -----
    The two parametrisations are those of Gelman and Hill (2007), chapter 12. The code is not run here.

    Examples
    --------
    >>> from hlm import explain
    >>> model = explain("post ~ pre + (pre|school)")
    >>> print(model.words.terms[-2].text)
    Both vary together with correlation ρ: in a school, a higher intercept may come with a higher slope for pre (ρ > 0) or a lower one (ρ < 0).
    >>> print(model.code["lme4"].splitlines()[-1])
    fit <- lmer(post ~ pre + (pre | school), data)
    """  # noqa: E501  # an example's output is one line
    model = model_structure(
        formula, data, family=family, link=link, weights=weights, functions=functions, priors=priors
    )
    return Explanation(model)
