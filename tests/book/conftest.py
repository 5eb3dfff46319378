"""The built site, once for all tests, and a browser that sees nothing else."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from octlessons.doctor import find_browser
from octlessons.errors import OctlessonsError
from octlessons.images import sources
from octlessons.site import building, freshness, serving

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def alone(root: Path, seconds: float = 1800):
    """Let one worker of pytest-xdist in at a time; without xdist there is nobody to wait for."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        yield
        return
    lock, end = root / "_build" / f".tests-{run}", time.monotonic() + seconds
    lock.parent.mkdir(exist_ok=True)
    while time.monotonic() < end:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            time.sleep(1)
    try:
        yield
    finally:
        lock.rmdir()


@pytest.fixture(scope="session")
def site() -> Path:
    """The course on phantoms; built now if it is missing or older than its sources."""
    folder = ROOT / "_build" / "html"
    phantoms = sources.resolve_data("phantoms")
    with alone(ROOT):
        if not freshness.is_current(folder, ROOT, phantoms):
            try:
                building.build(root=ROOT)
            except OctlessonsError as error:
                pytest.fail(f"The book does not build. {error}", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def soups(site):
    """Every page, parsed, by its path in the site."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
    }


@pytest.fixture(scope="session")
def address(site) -> str:
    """Address of the site on this machine."""
    server = serving.open_server(site, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium for which no host but this machine exists."""
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium here: install it (apt-get install chromium) to test the pages")
    sync_api = pytest.importorskip("playwright.sync_api")
    arguments = [
        "--disable-gpu",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to sandbox itself for root
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=arguments)
        yield chromium
        chromium.close()
