"""What is recorded of a training, and when, whoever trains."""
