"""The paper's experiments, and those of its controls and extensions."""
