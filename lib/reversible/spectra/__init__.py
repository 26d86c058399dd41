"""Are these weights random-like? Bulk and spikes, one matrix and its nulls, and weight files of strangers."""
