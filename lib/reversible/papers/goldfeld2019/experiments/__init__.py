"""What this paper's chapter measures."""
