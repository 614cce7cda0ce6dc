"""The native CPU engine: forward, backward and SGD of a described network in one call, without torch."""

from models.native.library import BUILDS, VERSION, explain_no_library, find_instruction_set
from models.native.network import NativeNetwork
from models.native.program import NoNativeProgramError, has_native_program

__all__ = [
    "BUILDS",
    "VERSION",
    "NativeNetwork",
    "NoNativeProgramError",
    "explain_no_library",
    "find_instruction_set",
    "has_native_program",
]
