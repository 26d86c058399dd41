"""Paths between random nets, level sets, bands between trained nets, and where training starts."""
