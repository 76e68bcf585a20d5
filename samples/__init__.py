"""Product photos of our own making, and the script that draws them."""
