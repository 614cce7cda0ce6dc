"""The verdict in plain sentences."""

from __future__ import annotations

from analysis.evidence import Evidence
from analysis.stats import summarise


def sentences(evidence: Evidence) -> list[str]:
    """What the runs say about each architecture."""
    said = []
    for candidate in evidence.finished:
        found = summarise(candidate.accuracies)
        spread = f", standard deviation {found.std:.2f}" if found.n > 1 else ""
        said.append(f"{candidate.group}: mean test accuracy {found.mean:.2f} % over {found.n} seeds{spread}.")
    return said or ["No rerun has finished, so nothing can be said about test accuracy yet."]
