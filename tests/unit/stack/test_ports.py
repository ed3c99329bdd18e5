import os
import socket
from pathlib import Path

import pytest

from contract.errors import EnvironmentFault
from stack.ports import PortChooser


def test_a_wished_port_that_is_taken_names_the_port_and_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(EnvironmentFault, match=rf"^Port {port} is taken by .+ \(process {os.getpid()}\): free it"):
            PortChooser().choose(port)


def test_a_port_that_a_server_on_all_interfaces_holds_is_taken() -> None:
    with socket.create_server(("0.0.0.0", 0)) as holder, pytest.raises(EnvironmentFault):
        PortChooser().choose(holder.getsockname()[1])


def test_chosen_ports_differ_and_lie_below_those_of_outgoing_connections() -> None:
    ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    chooser = PortChooser()
    ports = {chooser.choose() for _ in range(200)}
    assert len(ports) == 200
    assert max(ports) < max(ephemeral, 32768)


def test_one_stack_does_not_use_a_port_twice() -> None:
    chooser = PortChooser()
    port = chooser.choose()
    with pytest.raises(EnvironmentFault, match=f"Port {port} is taken"):
        chooser.choose(port)
