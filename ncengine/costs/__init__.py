"""What a training will take: memory, work, seconds."""
