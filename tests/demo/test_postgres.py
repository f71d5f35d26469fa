"""The embedded Postgres: any user, any path, and nothing left behind."""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from storefront.demo.errors import DemoError
from storefront.demo.postgres import EmbeddedPostgres, embedded_postgres
from tests.demo.processes import ALONE, alive, script, wait_until

RUN = (
    ALONE
    + """
import signal, sys, time
from pathlib import Path
from storefront.demo.postgres import embedded_postgres
# A shell's background job ignores it, and so would what it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
with embedded_postgres(Path(sys.argv[1])) as server:
    print(server.pid, server.url())
    time.sleep(60)
"""
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that the server's user may pass, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="storefront tests ") as name:
        Path(name).chmod(0o711)
        yield Path(name)
        # One whose starter was killed is still going down, and writes meanwhile.
        wait_until(lambda: not [*Path(name).glob("*/data/postmaster.pid")])


def ask(url: str, question: str) -> object:
    """Give the one value that answers a question."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(question)
        connection.commit()
        return cursor.fetchone()[0] if cursor.description else None


def test_keeps_data_port_and_password(folder: Path) -> None:
    with embedded_postgres(folder / "postgres") as server:
        first = server.url()
        ask(first, "CREATE TABLE kept ()")
    with embedded_postgres(folder / "postgres") as server:
        assert server.url() == first
        assert ask(first, "SELECT count(*) FROM kept") == 0


def test_takes_another_port_when_its_own_is_taken(folder: Path) -> None:
    with embedded_postgres(folder / "one"):
        record = json.loads((folder / "one.json").read_text())
        (folder / "two.json").write_text(json.dumps(record))
        with embedded_postgres(folder / "two") as second:
            assert f":{record['port']}/" not in second.url()
            assert ask(second.url(), "SELECT 1") == 1


def test_wants_its_password(own_postgres: EmbeddedPostgres) -> None:
    wrong = re.sub(r":[^:/@]+@", ":guess@", own_postgres.url())
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(wrong)


def test_survives_a_crash(own_postgres: EmbeddedPostgres) -> None:
    ask(own_postgres.url(), "CREATE TABLE survivor ()")
    own_postgres.restart("immediate")
    assert ask(own_postgres.url(), "SELECT count(*) FROM survivor") == 0


def test_speaks_utf8_and_utc_everywhere(own_postgres: EmbeddedPostgres) -> None:
    url = own_postgres.url()
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SHOW timezone") == "UTC"
    assert ask(url, "SELECT 'ÉTOILE' ILIKE 'étoile'") is True


def test_copies_databases(own_postgres: EmbeddedPostgres) -> None:
    own_postgres.create_database('odd "name"')
    own_postgres.create_database("copy", template='odd "name"')
    assert ask(own_postgres.url("copy"), "SELECT 1") == 1
    own_postgres.drop_database("copy")
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        psycopg2.connect(own_postgres.url("copy"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_ends_with_its_starter(folder: Path, number: signal.Signals) -> None:
    with script(RUN, folder / "postgres") as starter:
        pid = int(first_line(starter).split()[0])
        assert alive(pid)
        starter.send_signal(number)
        starter.wait(30)
        assert wait_until(lambda: not alive(pid))
    with embedded_postgres(folder / "postgres") as server:
        assert ask(server.url(), "SELECT 1") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="no other system offers this")
def test_ends_with_its_guard(folder: Path) -> None:
    with script(RUN, folder / "postgres") as starter:
        pid = int(first_line(starter).split()[0])
        status = Path(f"/proc/{pid}/status").read_text()
        guard = next(line for line in status.splitlines() if line.startswith("PPid"))
        os.kill(int(guard.split()[1]), signal.SIGKILL)
        assert wait_until(lambda: not alive(pid))


def test_starts_over_a_stale_pid_file(folder: Path) -> None:
    with embedded_postgres(folder / "postgres"):
        pass
    # A process that lives and is no Postgres: the number was given away again.
    stale = folder / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n/nowhere\n1\n1\n\n127.0.0.1\n")
    stale.chmod(0o644)
    with embedded_postgres(folder / "postgres") as server:
        assert ask(server.url(), "SELECT 1") == 1


def test_refuses_a_second_run_in_one_sentence(folder: Path) -> None:
    with script(RUN, folder / "postgres") as starter:
        url = first_line(starter).split()[1]
        with (
            pytest.raises(DemoError, match="already running"),
            embedded_postgres(folder / "postgres"),
        ):
            pass
        assert ask(url, "SELECT 1") == 1


def test_begins_anew_after_an_interrupted_first_start(folder: Path) -> None:
    with embedded_postgres(folder / "postgres"):
        pass
    (folder / "postgres" / "data").rename(folder / "postgres" / "data.new")
    with embedded_postgres(folder / "postgres") as server:
        assert ask(server.url(), "SELECT 1") == 1


def test_says_why_it_does_not_start(folder: Path) -> None:
    with (
        pytest.raises(DemoError, match="unrecognized configuration parameter"),
        embedded_postgres(folder / "postgres", settings={"no_such_thing": "1"}),
    ):
        pass


def test_refuses_a_folder_that_others_may_write(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres").chmod(0o777)
    with (
        pytest.raises(DemoError, match="in the way"),
        embedded_postgres(folder / "postgres"),
    ):
        pass


@as_root
def test_root_keeps_data_elsewhere_and_opens_nothing(folder: Path) -> None:
    folder.chmod(0o700)
    try:
        with embedded_postgres(folder / "postgres") as server:
            assert ask(server.url(), "SELECT 1") == 1
            assert user_of(server.pid) != "0"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert not (folder / "postgres").exists()
    finally:
        home = json.loads((folder / "postgres.json").read_text())["home"]
        shutil.rmtree(home)


@as_root
def test_runs_as_an_ordinary_user(folder: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    usable = [sys.executable, "-c", "import psycopg2"]
    try:
        subprocess.run(usable, user=nobody, check=True, cwd="/", capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this interpreter is closed to other users")
    os.chown(folder, nobody, -1)
    with script(RUN, folder / "postgres", uid=nobody) as starter:
        assert ask(first_line(starter).split()[1], "SELECT 1") == 1


def user_of(pid: int) -> str:
    """Give the number of the user that a process runs as."""
    ps = ["/bin/ps", "-o", "uid=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=True).stdout.strip()


def first_line(process: "subprocess.Popen[str]") -> str:
    """Give the first line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline()
