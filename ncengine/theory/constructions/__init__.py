"""The networks of the proofs, built: how deep ones come to the floor of the objective."""

from ncengine.theory.constructions.construction import Construction, construction

__all__ = ["Construction", "construction"]
