"""The laws that several papers use, with numpy and scipy alone."""
