"""Work that runs: jobs, the queue of them, and the processes they run in."""
