"""Simulations whose defaults follow a choice: a task or a surface comes with the settings that suit it."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import model_validator

from sims._simulation import Simulation


class Customary(Simulation):
    """Adds to Simulation that what is not given follows `customary`, rather than one default for all."""

    @classmethod
    def customary(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """The defaults that suit the parameters given, where they differ from those declared.

        `given` is as it was typed, so it may be incomplete or wrong; what is wrong is reported afterwards.
        """
        raise NotImplementedError(f"{cls.__name__} must define customary(cls, given)")

    @model_validator(mode="before")
    @classmethod
    def _follow(cls, parameters: Any) -> Any:
        if not isinstance(parameters, Mapping):
            return parameters
        return cls.customary(parameters) | dict(parameters)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The same simulation with some parameters changed; what had its customary value still has it."""
        own = dict(self)
        declared = {name: field.default for name, field in type(self).model_fields.items()}
        usual = declared | type(self).customary(own)
        given = {name: value for name, value in own.items() if value != usual[name]}
        return type(self)(**(given | dict(update or {})))
