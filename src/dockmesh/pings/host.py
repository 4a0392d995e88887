"""A pinger on a host: started, read while it runs, and stopped, through the transport."""

from collections.abc import Iterable
from dataclasses import dataclass

from dockmesh.agent.pinger import MOST_BYTES
from dockmesh.agent.texts import text_of
from dockmesh.pings.log import PingLog
from dockmesh.transport.demand import demand
from dockmesh.transport.pieces import PIECE, read_new
from dockmesh.transport.requests import Exec, Put, Remove, Transport

# The pinger writes its lines before it looks how many there are, so its file may be a little longer than it says.
MOST_READ = MOST_BYTES + PIECE


@dataclass(frozen=True, slots=True)
class PingerUnit:
    """`unit`: of systemd's, and how its files are called; `life_s`: one whose dockmesh was killed ends by itself."""

    unit: str
    life_s: int
    interval_ms: float
    nice: int = 0

    @property
    def file(self) -> str:
        return f"/run/{self.unit}"

    @property
    def program(self) -> str:
        return f"/run/{self.unit}.py"

    async def start(self, host: Transport, addresses: Iterable[str]) -> None:
        """Ping the addresses until `stop`. Raises ConnectError, and CommandError where it cannot be started."""
        unit = ("systemd-run", "--quiet", "--collect", f"--unit={self.unit}", f"--nice={self.nice}")
        program = ("python3", self.program, self.file, str(self.life_s), f"{self.interval_ms:g}", *addresses)
        await self.stop(host)
        await demand(
            host,
            "could not start the pings",
            Put(self.program, text_of("pinger"), 0o600),
            Exec((*unit, *program)),
        )

    async def stop(self, host: Transport) -> None:
        """Also what another run left; it is no error if there is nothing. Raises ConnectError."""
        await host.ask(Exec(("systemctl", "stop", f"{self.unit}.service")), Remove(self.file), Remove(self.program))

    async def read(self, host: Transport, log: PingLog) -> bool:
        """What was written since; False if the pinger has left nothing.

        Raises ConnectError; HostError where it wrote more than a pinger does; ValueError for what no pinger writes.
        """
        new = await read_new(host, self.file, log.read, MOST_READ)
        if new is None:
            return False
        log.read += len(new)
        log.take(new.decode())
        return True
