"""What a training run is asked, the run itself, SHADOW's synthetic images, and runs kept on disk."""
