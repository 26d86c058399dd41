"""What pages are made of: pieces of HTML, the style of figures, the script that draws the explorer."""
