"""What a run is told to do, as plain data: trials, runs, their extension, rungs and recipes."""
