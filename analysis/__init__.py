"""What a run's records say: incumbents, statistics, tables and status. Knows pandas; never Ray or torch."""
