"""The container and the service for a class: what their files promise. Built where Docker runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
IMAGE = "neural-collapse-explorer:tested"


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction's name, and the rest of it in one line."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    whole = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in whole.splitlines())]


def of(name: str) -> list[str]:
    """What follows that name, in the last stage, which is the image."""
    found = instructions(DOCKERFILE)
    last = max(n for n, (one, _) in enumerate(found) if one == "FROM")
    return [rest for one, rest in found[last:] if one == name]


def command_of(text: str) -> list[str]:
    """In the form that no shell reads."""
    return json.loads(text[text.index("[") :])


def copied() -> list[str]:
    """What of this repository the stages take."""
    sources = []
    for name, rest in instructions(DOCKERFILE):
        if name == "COPY" and "--from" not in rest:
            sources += rest.split()[:-1]
        mounts = [dict(part.split("=", 1) for part in mount.split(",")) for mount in
                  re.findall(r"--mount=(\S+)", rest)]  # fmt: skip
        sources += [mount["source"] for mount in mounts if "from" not in mount]
    return sources


def test_what_is_taken_is_there_and_not_held_back():
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    through = {rule[1:] for rule in rules if rule.startswith("!")}
    assert copied() and set(copied()) == through
    assert all((ROOT / name).exists() for name in copied())
    again = [rule for rule in rules[1:] if not rule.startswith("!")]
    assert not [name for name in copied() for rule in again if fnmatch(name, rule)]


def test_all_that_the_wheel_is_made_of_is_taken():
    import tomllib

    about = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    parts = about["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    project = about["project"]
    needed = [*parts, project["readme"], *project["license-files"], "pyproject.toml"]
    for name in needed:
        assert any(name == one or name.startswith(f"{one}/") for one in copied()), name


def test_images_are_slim_and_named_by_their_version_alone():
    bases = [rest.split()[0] for name, rest in instructions(DOCKERFILE) if name == "FROM"]
    assert set(bases) == {"python:${PYTHON}-slim"}
    assert "sha256:" not in DOCKERFILE
    (version,) = [rest for name, rest in instructions(DOCKERFILE) if rest.startswith("PYTHON=")]
    assert re.fullmatch(r"PYTHON=3\.\d+", version)


def test_pytorch_comes_without_cuda_unless_asked_for():
    assert "TORCH_INDEX=https://download.pytorch.org/whl/cpu" in of("ARG")
    (install,) = [rest for rest in of("RUN") if "pip install" in rest]
    assert '--extra-index-url "${TORCH_INDEX}"' in install and "[cluster]" in install


def test_it_runs_as_nobody_of_importance_who_owns_the_cache():
    (user,) = of("USER")
    (made,) = [rest for rest in of("RUN") if "useradd" in rest]
    assert user.isdecimal() and int(user) >= 1000 and f"--uid {user} " in made
    name = re.search(rf"--uid {user} (\w+)", made)[1]
    assert of("VOLUME") == ["/cache"] and re.search(rf"install -d -o {name} .*/cache$", made)
    assert "XDG_CACHE_HOME=/cache" in of("ENV")[0].split()


def test_it_serves_on_the_port_that_it_names_and_its_health_is_looked_at():
    (port,) = of("EXPOSE")
    (command,) = map(command_of, of("CMD"))
    assert command[:2] == ["ncengine", "app"] and "--headless" in command
    assert command[command.index("--host") + 1] == "0.0.0.0"
    assert command[command.index("--port") + 1] == port
    assert "NCENGINE_PUBLIC=1" in of("ENV")[0].split()
    (check,) = of("HEALTHCHECK")
    assert f"'127.0.0.1', {port}, " in check
    python, flag, _ = command_of(check)
    assert (python, flag) == ("python", "-c")


@pytest.mark.parametrize("status", [200, 503])
def test_its_health_is_asked_of_the_app_itself_whatever_proxy_there_is(status):
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        _, flag, code = command_of(*of("HEALTHCHECK"))
        code = code.replace(*of("EXPOSE"), str(server.server_port))
        # As Docker passes it on to every container, where its client is told so; nobody is there.
        proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
        done = subprocess.run([sys.executable, flag, code], env={**os.environ, **proxy})
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["/_stcore/health"] and done.returncode == (status != 200)


def test_the_command_is_one_that_there_is():
    from ncengine.cli.main import _parser

    (command,) = map(command_of, of("CMD"))
    options = _parser().parse_args(command[1:])
    assert (options.host, options.port, options.headless) == ("0.0.0.0", 8501, True)


def test_a_class_has_an_app_a_scheduler_and_two_workers():
    assert set(SERVICES) == {"app", "scheduler", "worker"}
    assert SERVICES["worker"]["deploy"]["replicas"] == 2
    assert SERVICES["scheduler"]["command"][:2] == ["dask", "scheduler"]
    address = SERVICES["app"]["environment"]["NCENGINE_SCHEDULER"]
    assert SERVICES["worker"]["command"][:3] == ["dask", "worker", address]
    name, port = re.fullmatch(r"tcp://(\w+):(\d+)", address).groups()
    assert name in SERVICES
    command = SERVICES[name]["command"]
    assert command[command.index("--port") + 1] == port
    for service in ("app", "worker"):
        waits = SERVICES[service]["depends_on"]["scheduler"]["condition"]
        assert waits == "service_healthy" and SERVICES["scheduler"]["healthcheck"]["test"]


def test_dask_knows_the_options_of_its_two_commands():
    from distributed.cli import dask_scheduler, dask_worker

    for service, module in (("scheduler", dask_scheduler), ("worker", dask_worker)):
        command = SERVICES[service]["command"][2:]
        with module.main.make_context(service, command) as read:
            assert read.params["dashboard"] is False


def test_all_of_them_see_one_cache():
    (folder,) = of("VOLUME")
    mounts = {tuple(service["volumes"]) for service in SERVICES.values()}
    assert mounts == {(f"cache:{folder}",)} and set(COMPOSE["volumes"]) == {"cache"}
    assert len({service["image"] for service in SERVICES.values()}) == 1


def test_the_image_is_built_once_and_before_all_that_are_made_of_it():
    (builds,) = [name for name, service in SERVICES.items() if "build" in service]
    assert all(builds in service["depends_on"] for name, service in SERVICES.items()
               if name != builds)  # fmt: skip


def test_only_the_app_is_reached_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["app"]
    assert SERVICES["app"]["ports"] == [f"{of('EXPOSE')[0]}:{of('EXPOSE')[0]}"]
    for name in ("scheduler", "worker"):
        assert SERVICES[name]["networks"] == ["training"] and "network_mode" not in SERVICES[name]
    assert COMPOSE["networks"]["training"]["internal"] is True
    assert "training" in SERVICES["app"]["networks"]


def has_docker() -> bool:
    if not shutil.which("docker"):
        return False
    return not subprocess.run(["docker", "info"], capture_output=True).returncode


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.mark.skipif(not has_docker(), reason="no Docker that runs on this machine")
def test_it_is_built_and_keeps_what_it_keeps_in_the_volume():
    docker("build", "--tag", IMAGE, ".")
    told = docker("run", "--rm", "--network", "none", IMAGE, "ncengine", "where", "--json")
    places = {one["what"]: one for one in json.loads(told)}
    assert places["gallery"]["exists"] and not places["gallery"]["writable"]
    assert places["cache"]["path"].startswith("/cache/") and places["cache"]["writable"]
