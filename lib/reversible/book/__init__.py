"""Chapters, the front page, their execution and the build; what the reference pages show."""
