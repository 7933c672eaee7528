"""The same model in other languages: lme4, brms, Bambi and plain PyMC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hlm.errors import FitError, nearest
from hlm.explanation.code_bambi import bambi_code
from hlm.explanation.code_pymc import pymc_code
from hlm.explanation.code_r import brms_code, lme4_code
from hlm.explanation.structure import ModelStructure


class Code(Mapping[str, str]):
    """Code by language: ``code["lme4"]``, ``["brms"]``, ``["bambi"]``, ``["pymc"]``; prints all four."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, language: str) -> str:
        if language.lower() not in self._texts:
            raise FitError(f"There is no code for {language!r}. {nearest(language, self._texts)}")
        return self._texts[language.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, language: object) -> bool:
        return isinstance(language, str) and language.lower() in self._texts

    def __repr__(self) -> str:
        return "\n\n".join(f"# {'-' * 8} {language} {'-' * 8}\n{text}" for language, text in self.items())


def model_code(model: ModelStructure) -> Code:
    """The model in all four languages."""
    return Code(
        {"lme4": lme4_code(model), "brms": brms_code(model), "bambi": bambi_code(model), "pymc": pymc_code(model)}
    )
