"""The pupil: a process that imports one derivation and answers its calls, until the judge has gone."""

import contextlib
import faulthandler
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from isolation import blame, tensors, wire
from isolation.autograd_watch import AutogradWatch
from isolation.named import Named, NotThereError, check_signature, load


def live(link: socket.socket, prints: int, trace: int) -> NoReturn:
    """Serve the judge at the other end of the link; prints and trace are files that the judge reads."""
    status = 70
    try:
        _detach(link, prints, trace)
        _serve(link, wire.receive(link).document)
        status = 0
    except EOFError:
        status = 0  # the judge has asked all that it wanted
    except BaseException:
        faulthandler.dump_traceback(trace)
    os._exit(status)


def _detach(link: socket.socket, prints: int, trace: int) -> None:
    """Let nothing of the judge's be within reach by accident: its output, its input, its open files."""
    os.setsid()  # so that whatever it starts can be ended with it
    prints, trace = os.dup(prints), os.dup(trace)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (prints, 1), (prints, 2)):
        os.dup2(source, target)
    kept = sorted({link.fileno(), trace})
    for low, high in zip([2, *kept], [*kept, 1 << 16], strict=True):
        os.closerange(low + 1, high)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - they live as long as the process
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    faulthandler.enable(trace)
    faulthandler.register(signal.SIGUSR1, trace, all_threads=False)
    end = os._exit

    def ended(status: int) -> None:
        faulthandler.dump_traceback(trace, all_threads=False)
        end(status)

    os._exit = ended  # type: ignore[assignment] # it never returns either
    torch.set_num_threads(1)  # the pool of threads of the process that forked us is not ours


def _limit(memory: int, seconds: float) -> None:
    """Bound what it may take; where the machine knows no such limit, there is none."""
    limits = [(resource.RLIMIT_FSIZE, blame.LARGEST_FILE), (resource.RLIMIT_CPU, int(seconds) + 5)]
    if memory:
        limits.append((resource.RLIMIT_AS, _taken_already() + memory))
    for which, most in limits:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (most, resource.getrlimit(which)[1]))


def _taken_already() -> int:
    """The addresses that this process has, of which torch alone takes gigabytes."""
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[0]) * resource.getpagesize() if pages.exists() else 0


def _serve(link: socket.socket, order: Mapping[str, Any]) -> None:
    named = Named(order["module"], order["attribute"])
    _forget_the_project()
    _limit(order["memory"], order["seconds"])
    watch = AutogradWatch(order["packages"], named.module)
    refusal, kind = "", ""
    try:
        derivation = load(named)
        check_signature(named, derivation)
    except NotThereError as error:
        refusal, kind = str(error), "name"
    except BaseException as error:
        refusal = blame.of_import(error, named.module)
    sys.stdout.flush()
    wire.send(link, {"refusal": refusal, "kind": kind, "autograd": watch.found()})
    while not refusal:
        frame = wire.receive(link)
        document, buffers = _answered(derivation, frame)
        with contextlib.suppress(Exception):  # it may have put anything there
            sys.stdout.flush()
        wire.send(link, document | {"autograd": watch.found()}, buffers)


def _forget_the_project() -> None:
    """What the scripts have imported is not the author's: their own options.py is imported, not ours."""
    ours = Path(__file__).resolve().parents[1]
    sys.path[:] = [entry for entry in sys.path if not entry or Path(entry).resolve() != ours]
    sys.argv[:] = [""]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        package = name.partition(".")[0]
        if package in ("manual_backprop", "torch_reference") or (file and Path(file).is_relative_to(ours)):
            del sys.modules[name]


def _answered(derivation: Callable[..., Any], frame: wire.Frame) -> tuple[dict[str, Any], list[bytes]]:
    """What one call made: the results and what it did to its arguments, or how it failed."""
    names, entries = frame.document["names"], frame.document["arguments"]
    arguments = {
        name: tensors.read(entry, memory)
        for name, entry, memory in zip(names, entries, frame.buffers, strict=True)
    }
    before = dict(zip(names, zip(entries, frame.buffers, strict=True), strict=True))
    try:
        result = derivation(*_as_called(arguments, frame.document["several"]))
        if not isinstance(result, Mapping):
            found = "nothing: does it return?" if result is None else type(result).__name__
            return {"refusal": _no_mapping(found), "kind": "form"}, []
        items = [(name, *tensors.told(value, arguments)) for name, value in result.items()]
    except BaseException as error:
        return {"refusal": blame.of_exception(error)}, []
    if any(not isinstance(name, str) for name, _, _ in items):
        return {"refusal": _no_mapping("a name that is no string"), "kind": "form"}, []
    changed = {name: tensors.written(value) for name, value in arguments.items()}
    changed = {name: written for name, written in changed.items() if written != before[name]}
    document = {
        "names": [name for name, _, _ in items],
        "results": [entry for _, entry, _ in items],
        "changed": [{"name": name} | entry for name, (entry, _) in changed.items()],
    }
    return document, [*(memory for _, _, memory in items), *(memory for _, memory in changed.values())]


def _as_called(arguments: Mapping[str, Tensor], several: bool) -> tuple[Any, Any, Any]:
    parameters = {
        name.removeprefix("parameters."): value
        for name, value in arguments.items()
        if name.startswith("parameters.")
    }
    inputs = tuple(value for name, value in arguments.items() if name.startswith("inputs"))
    return parameters, inputs if several else inputs[0], arguments.get("targets")


def _no_mapping(found: str) -> str:
    return f"a derivation must return a mapping name -> tensor, found {found}"
