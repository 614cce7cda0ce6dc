"""Searches replayed on records: what another scheduler or search would have found, without training anything."""
