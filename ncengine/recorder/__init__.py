"""What is measured of a network that is not ours, while it is trained by whoever it belongs to."""
