"""The networks of the proofs, built: how deep ones come to the floor of the objective."""
