"""The kernels in which chapters run: they talk over Unix sockets, and one that dies at its start is started once more.

Jupyter's own kernels take TCP ports that were free a moment ago, and on a busy machine another process may have taken
one meanwhile ("Address already in use"). A socket in a folder of its own cannot be taken, and nobody else can read it.
"""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from click import ClickException
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.engines import NBClientEngine

FIRST_ANSWER = 300.0  # seconds until a living kernel that says nothing is left to papermill's own limit
FURTHER_PLACES = ("/tmp", "/var/tmp", "/dev/shm")  # where a folder of sockets may be, after TMPDIR


class KernelError(ClickException):
    """A kernel that failed, and not its code; papermill's command line shows it as one line, with exit status 1."""


class SocketKernelManager(AsyncKernelManager):
    """A kernel on Unix sockets. `start_kernel` waits for its first answer, and starts it again where it dies before.

    KernelError where it dies twice, or where there is no folder for the sockets, which goes with the kernel.
    """

    def __init__(self, **options: Any) -> None:
        self._folder = sockets_folder()
        file = Path(self._folder.name) / "k.json"  # the sockets are k-ipc-1 to k-ipc-5, beside it
        super().__init__(**{**options, "transport": "ipc", "connection_file": str(file)})

    async def start_kernel(self, **options: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        await super().start_kernel(**options)
        if await self._answers():
            return
        self.log.warning(f"the kernel died before its first answer{await self._status()}: it is started once more")
        await self.restart_kernel(now=True)
        if await self._answers():
            return
        status = await self._status()
        await self.cleanup_resources()
        raise KernelError(f"the kernel died twice before its first answer{status}")

    async def _status(self) -> str:
        return f" (exit status {await self.provisioner.poll()})" if self.provisioner else ""

    async def _answers(self) -> bool:
        """Wait for the first answer; False where the kernel died before it."""
        client = self.client()
        client.start_channels(stdin=False, hb=False, control=False)
        try:
            await client.wait_for_ready(timeout=FIRST_ANSWER)
        except RuntimeError:
            return await self.is_alive()
        finally:
            client.stop_channels()
        return True

    async def cleanup_resources(self, restart: bool = False) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        await super().cleanup_resources(restart=restart)
        if not restart:
            self._folder.cleanup()


def sockets_folder() -> tempfile.TemporaryDirectory[str]:
    """A new folder in which sockets can be made: their paths must be short, and not every file system has them."""
    for place in (tempfile.gettempdir(), *FURTHER_PLACES):
        try:
            folder = tempfile.TemporaryDirectory(prefix="kernel-", dir=place, ignore_cleanup_errors=True)
        except OSError:
            continue
        probe = Path(folder.name) / "k-ipc-65535"
        try:
            with socket.socket(socket.AF_UNIX) as tried:
                tried.bind(os.fspath(probe))
            probe.unlink()
            return folder
        except OSError:
            folder.cleanup()
    raise KernelError(f"no sockets can be made in {tempfile.gettempdir()}: set TMPDIR to a folder with a short path")


class SocketEngine(NBClientEngine):
    """Papermill's own engine, with these kernels, and with fewer copies of a notebook written on the way.

    Papermill writes the whole notebook at the beginning and the end of each cell, which took up to a quarter of a
    chapter's time. Here those copies are as far apart as the ones that it writes within a cell, by its own option
    --autosave-cell-every.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, *words: Any, **options: Any) -> Any:
        write = nb_man.save

        def write_if_due() -> None:
            if (nb_man.now() - nb_man.last_save_time).total_seconds() >= nb_man.autosave_cell_every:
                write()

        nb_man.save = write_if_due
        try:
            return super().execute_managed_notebook(nb_man, *words, kernel_manager_class=SocketKernelManager, **options)
        except DeadKernelError:
            begun = [cell for cell in nb_man.nb.cells if cell.metadata.get("papermill", {}).get("start_time")]
            first_line = begun[-1].source.partition("\n")[0] if begun else ""
            raise KernelError(f"the kernel died in the cell that begins with: {first_line}") from None
        finally:
            nb_man.save = write  # the last copy, which papermill writes next, is whole
