# SPDX-License-Identifier: MIT
"""
The place where a benchmark runs: a directory of its own, the programs, the receivers, and
the processes it started, which end with it.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

from measure import Failed, run, run_fed

CLIENT_CPU, RECEIVER_CPU = 0, min(1, os.cpu_count() - 1)

NGINX = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path {directory}/nginx-body;
    proxy_temp_path {directory}/nginx-proxy;
    fastcgi_temp_path {directory}/nginx-fastcgi;
    uwsgi_temp_path {directory}/nginx-uwsgi;
    scgi_temp_path {directory}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 200 "ok"; }}
    }}
}}
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_listening(port, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.02)
    raise Failed(f"nothing listens on port {port}")


def pin_to(cpu):
    return lambda: os.sched_setaffinity(0, {cpu})


def fold_wal(path):
    """Moves what is in the write-ahead log into the database, so that one file is all."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def wait_for_store(path, seconds=10):
    """Until a worker that was just started has made its store."""
    until = time.monotonic() + seconds
    while not os.path.exists(path):
        if time.monotonic() > until:
            raise Failed(f"{path}: the worker does not start")
        time.sleep(0.02)


class Place:
    """Use it as a context: on leaving, its processes end and its files go."""

    def __init__(self, options):
        self.bin = os.path.abspath(options.bin)
        self.tools = os.path.abspath(options.tools)
        self.quick = options.quick
        self.rounds = 1 if options.quick else 3
        self.rows = options.rows or (100_000 if options.quick else 1_000_000)
        self.stack = contextlib.ExitStack()
        self.templates = {}

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="run.", dir=self.tools)
        self.stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        return self

    def __exit__(self, *exception):
        self.stack.close()

    def tool(self, name, *args):
        return [os.path.join(self.tools, name), *map(str, args)]

    def path(self, name):
        return os.path.join(self.directory, name)

    def fewer(self, count):
        """The count, or a fifth of it in a quick run."""
        return count // 5 if self.quick else count

    # ---- processes ------------------------------------------------------------------

    @contextlib.contextmanager
    def running(self, argv, **options):
        """A process that runs beside; if it still does at the end, SIGTERM ends it."""
        options.setdefault("stdout", subprocess.DEVNULL)
        process = subprocess.Popen(argv, **options)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @contextlib.contextmanager
    def started(self, argv, **options):
        """As running(), for one that must not end by itself."""
        with self.running(argv, **options) as process:
            yield process
            if process.poll() is not None:
                raise Failed(f"{argv[0]}: ended early, status {process.returncode}")

    def nginx(self):
        """Starts nginx on the receivers' core, once; the URL to deliver to."""
        if not hasattr(self, "nginx_url"):
            program = shutil.which("nginx") or "/usr/sbin/nginx"
            port = free_port()
            config = self.path("nginx.conf")
            with open(config, "w", encoding="ascii") as file:
                file.write(NGINX.format(directory=self.directory, port=port))
            self.stack.enter_context(self.started(
                [program, "-p", self.directory, "-c", config],
                preexec_fn=pin_to(RECEIVER_CPU), stderr=subprocess.DEVNULL))
            wait_until_listening(port)
            self.nginx_url = f"http://127.0.0.1:{port}/hook"
        return self.nginx_url

    @contextlib.contextmanager
    def slow_receiver(self, delay):
        """Yields the URL of a receiver that answers after so many ms, or 'never'."""
        process = subprocess.Popen(self.tool("slow_receiver", delay), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   preexec_fn=pin_to(RECEIVER_CPU))
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/hook"
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()

    def probed(self, log):
        """An environment in which a program reports its waits for locks in the log."""
        return dict(os.environ, LD_PRELOAD=os.path.join(self.tools, "lock_probe.so"),
                    BENCH_LOCK_LOG=log)

    # ---- our programs ---------------------------------------------------------------

    def config(self, concurrency):
        """A configuration in which the receiver may be reached, and is no limit."""
        path = self.path(f"config-{concurrency}.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump({"allow_net": ["127.0.0.0/8"],
                       "limits": {"concurrency": concurrency}}, file)
        return path

    def whenqueue(self, store):
        return [os.path.join(self.bin, "whenqueue"), "--db", store]

    def whworker(self, store, concurrency, *options):
        return [os.path.join(self.bin, "whworker"), "--db", store,
                "--config", self.config(concurrency), *options]

    def program(self, name, *args):
        return [os.path.join(self.bin, name), *args]

    def sample_event(self, url):
        """The path of a file with one event that has no id."""
        path = self.path("event.ndjson")
        with open(path, "wb") as file:
            subprocess.run(self.tool("events", "-", 1, url), stdout=file, check=True)
        return path

    # ---- stores ---------------------------------------------------------------------

    def store_of(self, count, url):
        """A fresh copy of a store in which so many events for the URL are due."""
        return self.copy_of(("ours", count, url), lambda path: run_fed(
            self.tool("events", "evt_bench", count, url), self.whenqueue(path), count))

    def bare_store_of(self, count):
        """The same for the bare table of the limits."""
        return self.copy_of(("bare", count), lambda path: run(
            self.tool("insert_loop", path, count, 10000), count))

    def copy_of(self, key, make):
        if key not in self.templates:
            self.templates[key] = self.path(f"template-{len(self.templates)}.db")
            make(self.templates[key])
            fold_wal(self.templates[key])
        copy = self.fresh_store()
        shutil.copyfile(self.templates[key], copy)
        os.sync()
        return copy

    def fresh_store(self):
        """The path of a store that does not exist; the one before it is removed."""
        store = self.path("store")
        shutil.rmtree(store, ignore_errors=True)
        os.mkdir(store, 0o700)
        return os.path.join(store, "wh.db")

    def forget_templates(self):
        for path in self.templates.values():
            os.remove(path)
        self.templates.clear()
