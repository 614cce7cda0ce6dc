"""Whether the nodes of a cluster see the run folder: asked of each, by a small file and its answer.

Where the run is in a bucket, each is asked whether it reaches that, by itself and with credentials of its own.

A node that does not would train trials whose records nobody finds.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import NodeDiedError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search.errors import explain_error
from search.storage.places.urls import find_url
from spaces import UserError

ANSWER_SECONDS = 60.0
BUCKET_SECONDS = 20.0
SEEN_SECONDS = 5.0  # A network file system may show a new file late.
Node = Mapping[str, Any]
NAME = re.compile(r"\.probe-[0-9a-f]{16}(-[0-9a-f]{8,64})?")


class Probe:
    """Asks nodes whether they see a folder, in which this process can write, and collects their answers."""

    def __init__(self, folder: Path):
        self._folder, self._url = folder, find_url(folder)
        self._known: set[str] = set()
        self._asked: dict[Any, tuple[Node, Path | None]] = {}

    def explain_blind(self, nodes: Iterable[Node], patience: float = 0.0) -> str | None:
        """Asks those nodes that were not asked before; names the ones that do not see the folder, or returns None.

        Args:
            nodes: as ``ray.nodes`` describes them.
            patience: seconds to wait for answers, after which living nodes that gave none are named too; with 0 a later
                call takes their answers.
        """
        new = [node for node in nodes if node["NodeID"] not in self._known]
        if new and self._url is not None:
            for node in new:
                self._known.add(node["NodeID"])
                self._asked[run_on(node, explain_unreached).remote(self._url)] = (node, None)
        elif new:
            question = self._folder / f".probe-{secrets.token_hex(8)}"
            content = secrets.token_hex(16)
            question.write_text(content, encoding="ascii")
            for node in new:
                self._known.add(node["NodeID"])
                answer = Path(f"{question}-{node['NodeID']}")
                task = run_on(node, _await_answer).remote(str(question), str(answer), content)
                self._asked[task] = (node, answer)
        if not self._asked:
            return None
        found = {}
        ready, waiting = ray.wait(list(self._asked), num_returns=len(self._asked), timeout=patience)
        for ref in [*ready, *waiting] if patience else ready:
            node, answer = self._asked.pop(ref)
            reason = _find_reason(ref, answer) if ref in ready else f"no answer in {patience:g} seconds"
            if reason is not None:
                found[node["NodeID"]] = f"{name(node)} ({reason})"
        if found:  # A node that died meanwhile does not matter.
            living = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
            found = {node_id: text for node_id, text in found.items() if node_id in living}
        if (found or not self._asked) and self._url is None:  # Where nodes are blind, nobody waits for the others.
            remove_probes(self._folder)
        if found and self._url is not None:
            told = f"{self._url}: not reached by {', '.join(found.values())}"
            return f"{told}; each node needs obstore and credentials of its own (docs/buckets.md)"
        told = f"{self._folder}: not seen by {', '.join(found.values())}"
        return f"{told}; give --out a folder that every node shares, or mount it there" if found else None


def probe(folder: Path, nodes: Iterable[Node]) -> None:
    """Makes sure that nodes see a folder.

    Raises:
        UserError: some do not, or did not answer.
    """
    remove_probes(folder)  # Of a driver that was killed.
    try:
        blind = Probe(folder).explain_blind(nodes, ANSWER_SECONDS)
    finally:
        remove_probes(folder)
    if blind is not None:
        raise UserError(blind)


def run_on(node: Node, function: Callable[..., Any]) -> Any:
    """A task of Ray that runs on one node, once, and takes none of its CPUs."""
    strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    return ray.remote(function).options(num_cpus=0, max_retries=0, scheduling_strategy=strategy)


def name(node: Node) -> str:
    """How to tell people which node is meant."""
    names = dict.fromkeys([node["NodeName"], node["NodeManagerHostname"], node["NodeManagerAddress"]])
    return f"node {' = '.join(filter(None, names))}"


def remove_probes(folder: Path) -> None:
    """Removes every question and answer from a folder."""
    for path in folder.iterdir():
        if NAME.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _await_answer(question: str, answer: str, content: str) -> str | None:
    """Reads a question and answers it; runs on a node. Returns what is wrong, or None."""
    give_up = time.monotonic() + SEEN_SECONDS
    while True:
        try:
            with open(question, encoding="ascii") as stream:
                if stream.read() != content:
                    return "it sees another folder there"
            with open(answer, "x", encoding="ascii") as stream:
                stream.write(content[::-1])
            return None
        except OSError as error:
            if time.monotonic() > give_up:
                return os.strerror(error.errno or 0)
        time.sleep(0.2)


def explain_unreached(url: str) -> str | None:
    """Why this node does not reach a run in a bucket, None if it does; runs on a node."""
    from search.storage.places.address import open_place
    from search.storage.places.layout import LEASE

    try:
        return None if open_place(url, BUCKET_SECONDS).look(LEASE) else "it sees another bucket there"
    except (UserError, OSError) as error:
        return explain_error(error)


def _find_reason(ref: Any, answer: Path | None) -> str | None:
    """What is wrong with a node that has answered, None if nothing is."""
    try:
        said: Any = ray.get(ref)
    except NodeDiedError:  # Ray may call it alive for a while, but nobody trains there.
        return None
    except RayError as error:
        return str(error).strip().splitlines()[0]
    if said is not None or answer is None:
        return said
    give_up = time.monotonic() + SEEN_SECONDS
    while not answer.exists():
        if time.monotonic() > give_up:
            return "its answer is not seen here"
        time.sleep(0.2)
    return None
