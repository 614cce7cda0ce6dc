"""Packs on Ray Tune: a Tune trial trains several trials, its lanes, each with a record and outcome of its own."""
