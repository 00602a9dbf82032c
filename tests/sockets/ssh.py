"""An ssh server of a test's own, that opens tunnels as localhost.run does: it says at which address they are."""

import getpass
import os
import shutil
import subprocess
from pathlib import Path

from tests import parts
from tests.running import free_port, wait_until

SAYS = "echo 'demo.example.org tunneled with tls termination, https://demo.example.org'; exec cat"


class SSHServer:
    """One sshd on the loopback; `options` is what `ssh` is told to come in by, with a tunnel at `entrance`."""

    def __init__(self, folder: Path, says: str = SAYS) -> None:
        self._sshd = parts.program("sshd", "openssh-server")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(
                exist_ok=True
            )  # where a server of root's locks itself in; Debian makes it at boot
        self.entrance, port = free_port(), free_port()
        for name in ("host", "person"):
            keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(keygen, check=True)
        shutil.copy(folder / "person.pub", folder / "allowed")
        lines = {
            "ListenAddress": f"127.0.0.1:{port}",
            "HostKey": folder / "host",
            "AuthorizedKeysFile": folder / "allowed",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "yes",
            "AllowTcpForwarding": "yes",
            "ForceCommand": says,
        }
        (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        (folder / "ssh_config").write_text(
            f"Host tunnels\n HostName 127.0.0.1\n Port {port}\n User {getpass.getuser()}\n"
            f" IdentityFile {folder / 'person'}\n IdentitiesOnly yes\n UserKnownHostsFile {folder / 'known'}\n"
        )
        self.options = f"-F {folder / 'ssh_config'} -R 127.0.0.1:{self.entrance}:127.0.0.1:{{port}} tunnels"
        self._log = folder / "sshd.log"
        self._folder = folder
        self._port = port

    def start(self) -> "SSHServer":
        command = [self._sshd, "-D", "-e", "-f", str(self._folder / "sshd_config")]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: "listening" in self.said() or self.process.poll() is not None, 60, "sshd")
        assert self.process.poll() is None, self.said()
        return self

    def said(self) -> str:
        return self._log.read_text()

    def stop(self) -> None:
        """End it and every connection to it."""
        if self.process.poll() is None:
            children = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
                capture_output=True,
                text=True,
                check=False,
            )
            self.process.terminate()
            for pid in children.stdout.split():
                subprocess.run(["kill", pid], check=False, stderr=subprocess.DEVNULL)
            self.process.wait()
