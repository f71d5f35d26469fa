"""Machines, as far as a kernel plays them: network namespaces on one bridge.

Each has its own loopback and one address; nothing but the bridge joins them. That takes
root and `ip`; where either is missing all of them are this machine.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from storefront.demo.children import start_child
from storefront.demo.ports import LOOPBACK, free_port

ROOT = Path(__file__).parents[1]
# RFC 2544 keeps these addresses for measurements: they lead nowhere else.
NETWORK = "198.18.77"
HERE = f"{NETWORK}.1"
SHOP_PORT = 8000
BRIDGE = f"bench{os.getpid() % 10_000}"
IP = shutil.which("ip", path=os.pathsep.join([os.defpath, "/sbin", "/usr/sbin"]))


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine. `inside`: what a command has to begin with, to run on it.

    `bind`: where its shop listens; `port`: where ours leads to that.
    """

    bind: str
    port: int
    inside: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Give where its shop is found, from here."""
        return f"http://{LOOPBACK}:{self.port}"


def are_apart() -> bool:
    """Tell whether machines can be had that share nothing but their network."""
    return os.geteuid() == 0 and IP is not None


@contextmanager
def machines(
    number: int, ports: Sequence[int], folder: Path
) -> Iterator[list[Machine]]:
    """Give so many machines, and take them away at the end.

    :param ports: what listens on our loopback, and is to be found on theirs as well.
    """
    if not are_apart():
        free = [free_port() for _ in range(number)]
        yield [Machine(f"{LOOPBACK}:{port}", port) for port in free]
        return
    ours = [f"{LOOPBACK}:{port}" for port in ports]
    known = [f"{HERE}:{port}" for port in ports]
    with ExitStack() as ending:
        _make_bridge(ending)
        found = [_make(ending, place) for place in range(number)]
        # A shop answers to its own name and to loopback's, whoever carries it.
        doors = [f"{LOOPBACK}:{machine.port}" for machine in found]
        shops = [machine.bind for machine in found]
        _relay(ending, (), [*known, *doors], [*ours, *shops], folder)
        for machine in found:
            _relay(ending, machine.inside, ours, known, folder)
        yield found


def address_for(here: str) -> str:
    """Give by which address the machines reach what listens on ours."""
    return HERE if are_apart() else here


def _make_bridge(ending: ExitStack) -> None:
    _ip("link", "add", BRIDGE, "type", "bridge")
    ending.callback(_ip, "link", "del", BRIDGE)
    _ip("addr", "add", f"{HERE}/24", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")


def _make(ending: ExitStack, place: int) -> Machine:
    name, address = f"{BRIDGE}-{place}", f"{NETWORK}.{place + 11}"
    _ip("netns", "add", name)
    # With it goes its line to the bridge.
    ending.callback(_ip, "netns", "del", name)
    line = ("link", "add", f"{BRIDGE}p{place}", "type", "veth")
    _ip(*line, "peer", "name", "eth0", "netns", name)
    _ip("link", "set", f"{BRIDGE}p{place}", "master", BRIDGE, "up")
    _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
    _ip("-n", name, "link", "set", "eth0", "up")
    _ip("-n", name, "link", "set", "lo", "up")
    inside = (str(IP), "netns", "exec", name)
    return Machine(f"{address}:{SHOP_PORT}", free_port(), inside)


def _relay(
    ending: ExitStack,
    inside: Sequence[str],
    here: Sequence[str],
    there: Sequence[str],
    folder: Path,
) -> None:
    """Carry from addresses here to addresses there, on a machine or on ours."""
    pairs = [one for pair in zip(here, there, strict=True) for one in pair]
    command = [*inside, sys.executable, "-m", "bench.relay", *pairs]
    log = folder / "relay.log"
    child = start_child("relay", command, log=log, env=os.environ, cwd=ROOT)
    ending.callback(child.stop)


def _ip(*arguments: str) -> None:
    subprocess.run([str(IP), *arguments], check=True)
