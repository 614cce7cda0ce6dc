"""The native CPU engine: forward, backward and SGD of a described network in one call, without torch."""

from models.native.library import BUILDS, VERSION, instruction_set, why_none
from models.native.network import BLOCK, NativeNetwork
from models.native.program import NoNativeProgramError, has_native_program

__all__ = [
    "BLOCK",
    "BUILDS",
    "VERSION",
    "NativeNetwork",
    "NoNativeProgramError",
    "has_native_program",
    "instruction_set",
    "why_none",
]
