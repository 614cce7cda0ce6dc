"""The user's own architectures that this process knows: ``REGISTERED``, by their names in a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from models import vgg
from models.architecture import WIDEST, Architecture
from models.description import Description, Shape
from models.own.blame import blamed
from models.own.importing import FolderShelf, Importer, KeptShelf, import_main
from models.own.layers import OwnLayer, OwnNetwork, Target
from models.own.places import describe_deep, describe_small
from models.own.plugins import find_plugin, load_plugin
from models.own.reference import Reference
from models.own.signatures import read_signature
from models.own.sources import Sources
from models.own.switches import switches_kept
from spaces.common.errors import UserError, quote
from spaces.specs.own import Own


@dataclass(frozen=True, kw_only=True)
class OwnArchitecture(Architecture):
    """An architecture with the user's code in it.

    Attributes:
        name: its name in a run.
        reference: what the user gave.
        sources: its files; what is hashed of a plugin.
        target: the class or function.
        importer: holds the modules that were imported for it; None for a plugin.
    """

    name: str
    reference: Reference
    sources: Sources
    target: Target
    importer: Importer | None = None

    def configure(self, further: Mapping[str, Any]) -> Architecture:
        """The architecture with hyperparameters of its constructor.

        Raises:
            UserError: it does not take one of them, or needs another one.
        """
        signature = self.target.signature
        takes = [name for name in signature.takes if name != "gain"]
        if unknown := sorted(set(further) - set(takes)):
            raise UserError(f"{self.name}: does not take {', '.join(unknown)}; it takes {', '.join(takes) or 'none'}")
        if lacking := [name for name in signature.needs if name not in further]:
            raise UserError(
                f"{self.name}: needs {', '.join(lacking)}; give the space a domain for it, or its parameter a default"
            )
        return replace(self, describe=partial(_describe, self.reference, self.target, tuple(sorted(further.items()))))

    @property
    def own(self) -> Own:
        """What a run keeps of it."""
        signature = self.target.signature
        return Own(
            str(self.reference), self.sources.compute_digest(self.reference.name), signature.kind, signature.takes
        )

    @property
    def is_plugin(self) -> bool:
        """Whether it is installed, so that its files need not travel."""
        return self.reference.path is None


REGISTERED: dict[str, OwnArchitecture] = {}


def register(reference: Reference, sources: Sources | None = None) -> OwnArchitecture:
    """Imports what a reference names, and makes it known under its name in a run.

    Args:
        reference: a file's class or function, or a plugin.
        sources: the file's and its modules' content, where they are not to be read from the disk.

    Raises:
        UserError: it cannot be imported, or is neither a layer nor a network.
    """
    what = f"architecture {reference.label}"
    if reference.width is not None and reference.width > WIDEST:
        raise UserError(f"{what}: a width of {reference.width} is not allowed; give -w1 to -w{WIDEST}")
    importer = None
    if reference.path is None:
        call, sources, owns = _load_plugin(reference, what)
    else:
        shelf = FolderShelf(reference.path.parent) if sources is None else KeptShelf(sources)
        if shelf.read(reference.main) is None:
            raise UserError(f"architecture: {reference.path}: no such file; give the path of a Python file")
        importer = Importer(shelf, reference.path.parent)
        call, owns = _import_file(importer, reference, what), importer.owns
        sources = Sources(reference.main, dict(importer.files))
    signature = read_signature(call, what)
    if signature.kind == "network" and reference.places:
        raise UserError(f"{what}: is a whole network and cannot replace a convolution; leave @.. out")
    name = reference.name_with(sources.compute_digest(reference.name))
    if name not in REGISTERED or REGISTERED[name].reference != reference:  # The same file may lie elsewhere now.
        target = Target(what, call, signature, owns)
        REGISTERED[name] = OwnArchitecture(
            title=name,
            describe=partial(_describe, reference, target, ()),
            sizes=tuple(size for size, known in vgg.LETTERS.items() if set(reference.places) - {"+"} <= set(known))
            if reference.places
            else (),
            name=name,
            reference=reference,
            sources=sources,
            target=target,
            importer=importer,
        )
    return REGISTERED[name]


def _import_file(importer: Importer, reference: Reference, what: str) -> Callable[..., Any]:
    with switches_kept(what), blamed(what, importer.owns):
        module = import_main(importer, reference.main)
    found = getattr(module, reference.name, None)
    if found is None:
        own = [name for name, one in vars(module).items() if getattr(one, "__module__", None) == module.__name__]
        there = ", ".join(name for name in own if not name.startswith("_")) or "no class or function"
        raise UserError(f"architecture: {reference.path} has no {quote(reference.name)}; it has {there}")
    return found


def _load_plugin(reference: Reference, what: str) -> tuple[Callable[..., Any], Sources, Callable[[str], bool]]:
    entry = find_plugin(reference.name)
    if entry is None:
        raise UserError(f"architecture: {quote(reference.name)}: no such plugin is installed here; install it")
    with switches_kept(what), blamed(f"{what} (plugin {entry.value})", lambda filename: False):
        return load_plugin(entry)


def _describe(
    reference: Reference, target: Target, further: tuple[tuple[str, Any], ...], classes: int, shape: Shape
) -> Description:
    if target.signature.kind == "network":
        network = OwnNetwork(target, classes, further)
        network.shape_after(shape)  # Refuses what gives no scores.
        return {"network": network}
    make = partial(_make_layer, target, further)
    if not reference.places:
        return describe_small(make, classes, shape)
    return describe_deep(make, reference.places.replace("+", ""), reference.width or vgg.WIDTH, classes, shape)


def _make_layer(target: Target, further: tuple[tuple[str, Any], ...], out: int) -> OwnLayer:
    return OwnLayer(target, out, further)
