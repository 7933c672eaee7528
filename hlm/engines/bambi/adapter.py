"""Bambi's classes as hlm uses them, and the PyMC graph that the sampler gets. Imports Bambi: load it late."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import bambi
import numpy as np
import scipy.sparse
from formulae.categorical import ContrastMatrix
from formulae.terms.terms import GroupSpecificTerm, Term
from formulae.terms.terms import Model as Terms
from formulae.terms.variable import Variable
from pymc.model.fgraph import fgraph_from_model, model_from_fgraph
from pytensor import sparse
from pytensor.tensor import TensorConstant, specify_shape
from pytensor.tensor.math import Dot

from hlm.data.contrasts import Contrast
from hlm.engines.bambi.correlated_effects import CorrelatedEffects, DerivedSds
from hlm.model.priors import Prior

LOCK = threading.RLock()  # PyTensor's flags and formulae's classes belong to the process: one thread at a time
type TermCoding = tuple[Mapping[str, bool], np.ndarray | None]  # and the places of the columns that stay; None: all

_SPARSE_SHARE = 0.2  # a constant matrix with fewer non-zeros than this is multiplied as a sparse one


class HlmModel(bambi.Model):  # type: ignore[misc]  # Bambi has no type hints
    """A `bambi.Model` that reads new data as hlm reads data: any frame, any label dtype, nested cells made."""

    read_new_data: Callable[[Any], Any]

    def predict(self, idata: Any, kind: str = "response_params", data: Any = None, **options: Any) -> Any:
        """As `bambi.Model.predict`."""
        with LOCK, warnings.catch_warnings():  # formulae 0.6 marks new groups in a way that pandas 4 will refuse
            warnings.filterwarnings("ignore", "Constructing a Categorical with a dtype")
            rows = None if data is None else self.read_new_data(data)
            return super().predict(idata, kind=kind, data=rows, **options)

    def compute_log_likelihood(self, idata: Any, data: Any = None, inplace: bool = True) -> Any:
        """As `bambi.Model.compute_log_likelihood`."""
        with LOCK:
            rows = None if data is None else self.read_new_data(data)
            return super().compute_log_likelihood(idata, data=rows, inplace=inplace)


def bambi_prior(prior: Prior, copies: int = 1, kept: np.ndarray | slice = slice(None)) -> bambi.Prior:
    """Hlm's prior as Bambi's; its sequences of numbers so many times one after another, and of these some."""
    args = {k: np.tile(v, copies)[kept] if isinstance(v, tuple) else v for k, v in prior.args.items()}
    return bambi.Prior(prior.name, auto_scale=False, dist=prior.dist, **args)


def effect_prior(sd: Prior, correlated: CorrelatedEffects | None) -> bambi.Prior:
    """Bambi's prior of a varying effect, by that of its sd."""
    sigma = bambi_prior(sd)
    if correlated is not None and correlated.transformation is not None:
        sigma = bambi.Prior("Derived", auto_scale=False, dist=DerivedSds(correlated))
    if correlated is None:
        return bambi.Prior("Normal", auto_scale=False, mu=0, sigma=sigma)
    return bambi.Prior("CorrelatedNormal", auto_scale=False, dist=correlated, noncentered=False, sigma=sigma)


class SomeColumns(Term):  # type: ignore[misc]  # formulae has no type hints
    """A term without the columns that others explain."""

    kept: np.ndarray  # places of those that stay
    data: np.ndarray

    def set_data(self, spans_intercept: Any) -> None:
        """As of any term."""
        super().set_data(spans_intercept)
        self.data = self._some(self.data)

    def eval_new_data(self, data: Any) -> np.ndarray:
        """As of any term."""
        return self._some(super().eval_new_data(data))

    @property
    def levels(self) -> list[str] | None:
        """Of the columns that stay."""
        every = super().levels
        return None if every is None else [every[j] for j in self.kept]

    def _some(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(values).reshape(len(values), -1)[:, self.kept]


@contextmanager
def coding_of_hlm(
    common: Mapping[str, TermCoding], varying: Mapping[str, TermCoding],
    contrasts: Mapping[str, Contrast],
) -> Iterator[None]:  # fmt: skip
    """While inside, formulae codes the factors of all terms as told, and gives factors their own contrasts.

    common: by a common term's name its coding, and the places of the columns that stay (None: all).
    varying: by a varying effect's name the same. By itself formulae 0.6 gives every factor of a bar one column fewer
        than levels as soon as any intercept varies by the same group, and every level a column otherwise:
        ``(1|g) + (0 + c|g)``, ``(x:c|g)`` and ``(0 + c + d|g)`` would then be other models than lme4's.
    """
    original, encodings = GroupSpecificTerm.set_data, Terms._get_encoding_bools
    original_columns = Variable.eval_categoric

    def set_data(term: Any, spans_intercept: Any) -> None:
        coding, kept = varying.get(term.name, (spans_intercept, None))
        if kept is not None:
            term.expr.__class__, term.expr.kept = SomeColumns, kept
        original(term, coding)

    def known(terms: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = encodings(terms)
        for term in terms.common_terms:
            if term.name in common:
                coding, kept = common[term.name]
                found[term.name] = [dict(coding)]
                if kept is not None:
                    term.__class__, term.kept = SomeColumns, kept
        return found

    def eval_categoric(variable: Any, x: Any, spans_intercept: Any) -> None:
        original_columns(variable, x, spans_intercept)
        own = contrasts.get(variable.name)
        if own is not None and not spans_intercept:
            variable.contrast_matrix = ContrastMatrix(own.matrix, own.labels)
            variable.value = own.matrix[x.cat.codes]

    with LOCK, warnings.catch_warnings():
        # ordinal families: the thresholds take the intercept's place, for Bambi as for everybody
        warnings.filterwarnings("ignore", "The intercept is omitted in ordinal families")
        GroupSpecificTerm.set_data, Terms._get_encoding_bools = set_data, known
        Variable.eval_categoric = eval_categoric
        try:
            yield
        finally:
            GroupSpecificTerm.set_data, Terms._get_encoding_bools = original, encodings
            Variable.eval_categoric = original_columns


@contextmanager
def sampling_graph(model: bambi.Model) -> Iterator[None]:
    """While inside, the model's PyMC graph multiplies its dummy columns as sparse matrices; for one thread at a time.

    The density is the same. On exam without pooling (4059 x 130) sampling takes 2 s instead of 22 s, and compiling
    14 s instead of 55 s.
    """
    # PyTensor 3.3 asks of each constant whether all of it is 1 or -1, which a sparse one cannot answer: one rewrite is
    # left out then, with a stack trace for each
    said = logging.getLogger("pytensor.graph.rewriting.basic")
    with LOCK:
        dense, level = model.backend.model, said.level
        model.backend.model = _with_sparse_products(dense)
        said.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            model.backend.model = dense
            said.setLevel(level)


def _with_sparse_products(model: Any) -> Any:
    graph, _ = fgraph_from_model(model)
    replacements = []
    for node in graph.toposort():
        if not isinstance(node.op, Dot):
            continue
        left, right = node.inputs
        if isinstance(left, TensorConstant) and np.mean(left.data != 0) < _SPARSE_SHARE:
            product = sparse.structured_dot(sparse.as_sparse_variable(scipy.sparse.csr_matrix(left.data)), right)
            replacements.append((node.outputs[0], specify_shape(product, node.outputs[0].type.shape)))
    if not replacements:
        return model
    graph.replace_all(replacements, import_missing=True)
    return model_from_fgraph(graph, mutate_fgraph=True)
