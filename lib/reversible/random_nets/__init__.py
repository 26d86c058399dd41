"""The generative model of the theory, one layer and many, run for real beside its law."""
