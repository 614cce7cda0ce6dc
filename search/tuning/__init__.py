"""Ray Tune: sweeps and reruns, their jobs, schedulers, searchers and progress."""
