"""What every page does in the browser."""
