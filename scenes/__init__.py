"""Films of learning, drawn from simulations and from nothing else: one film, one file."""
