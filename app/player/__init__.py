"""The player: a network's last layer over training, on a canvas in the browser."""
