"""The machine under test: QEMU, and shells in it."""

import asyncio
import socket
import subprocess
from pathlib import Path

from polling import WITH_US, Failed, until

APPEND = "console=ttyS0 panic=-1 quiet mitigations=off tsc=reliable random.trust_cpu=on rdinit=/init"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Guest:
    """A running guest. Its logs are files in `folder`: console.log, server.log (hapticd), services.log (bluetoothd)."""

    def __init__(self, cache, image, folder):
        self.kernel = next(Path(cache, "kernel/boot").glob("vmlinuz-*"))
        self.image, self.folder = image, Path(folder)
        self.process = None

    async def start(self):
        for _ in range(3):
            # Somebody else may take a free port before QEMU does.
            self.server_port, self.shell_port = free_port(), free_port()
            self.process = subprocess.Popen(
                [*WITH_US, *self.command()], stdin=subprocess.DEVNULL, stdout=self.log("qemu"), stderr=subprocess.STDOUT
            )
            await asyncio.sleep(0.5)
            if self.process.poll() is None:
                break
        await until(lambda: "lab: guest is up" in self.console(), 120, "the guest boots")

    def command(self):
        folder = self.folder
        forward = f"hostfwd=tcp:127.0.0.1:{self.server_port}-:12346,hostfwd=tcp:127.0.0.1:{self.shell_port}-:2222"
        devices = [
            # The radio, the server's log, bluetoothd's log: /dev/hvc0, 1 and 2.
            "-chardev", f"socket,id=radio,path={folder}/radio.sock", "-device", "virtconsole,chardev=radio",
            "-chardev", f"file,id=server,path={folder}/server.log", "-device", "virtconsole,chardev=server",
            "-chardev", f"file,id=services,path={folder}/services.log", "-device", "virtconsole,chardev=services",
        ]
        return [
            # KVM is not asked for: inside another virtual machine it may be there and not work.
            "qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max", "-m", "768", "-smp", "2",
            "-nodefaults", "-nographic", "-no-reboot", "-kernel", str(self.kernel), "-initrd", str(self.image), "-append", APPEND,
            "-serial", f"file:{folder}/console.log", "-device", "virtio-serial-pci", *devices,
            "-netdev", f"user,id=net,restrict=on,{forward}", "-device", "virtio-net-pci,netdev=net,romfile=",
        ]

    def log(self, name):
        return open(self.folder / f"{name}.log", "ab")

    def console(self):
        if self.process.poll() is not None:
            raise Failed(f"QEMU has ended with status {self.process.returncode}: {(self.folder / 'qemu.log').read_text()}")
        path = self.folder / "console.log"
        return path.read_text(errors="replace") if path.exists() else ""

    async def run(self, script, seconds=20):
        """Runs commands in a shell of the guest; returns what they print."""
        status, text = await self.attempt(script, seconds)
        if status != 0:
            raise Failed(f"in the guest, `{script}` ended with {status}: {text}")
        return text

    async def attempt(self, script, seconds=20):
        """Runs commands in a shell of the guest; returns the status and what they print."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.shell_port)
        writer.write(f". /lab.sh; {{ {script}\n}} 2>&1; echo \"<$?>\"; exit\n".encode())
        try:
            text = await asyncio.wait_for(reader.read(-1), seconds)
        except TimeoutError:
            raise Failed(f"in the guest, `{script}` is not done after {seconds} s") from None
        finally:
            writer.close()
        text, _, status = text.decode(errors="replace").rpartition("<")
        return int(status.strip().rstrip(">") or 255), text

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
