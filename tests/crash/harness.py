# SPDX-License-Identifier: MIT
"""
Programs under load that are killed at random, and what must hold whatever happens.

A Ground is a directory with a store, a receiver that logs every request, and workers. Its
check() looks at one snapshot of the store and raises Violation, with the latest kills, if
a receipted event is not in exactly one place, a count of attempts went down, a job was
sent oftener than its attempts and the kills that it was in flight at account for, or the
database is damaged. finish() drains the queue and checks the same once more, exactly.
"""

import array
import collections
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("TEST_BIN", os.path.join(ROOT, "bin"))
BUILD = os.environ.get("TEST_BUILD", os.path.join(ROOT, ".build"))
SEED = int(os.environ.get("KILL_SEED", str(time.time_ns() % 1000000)))

# Far longer than a run: who takes over sooner noticed that a lock was let go of.
LEASE = "1h"
CONFIG = {
    "policy": {"types": {name: {"base_delay_ms": 10, "max_delay_ms": 40}
                         for name in ("network", "server", "rate_limit", "unknown")}},
    "limits": {"timeout": "500ms", "breaker": {"cool_down": "50ms", "max_cool_down": "100ms"}}}

PLACES = """
SELECT r.event_id, q.id IS NOT NULL, q.state, d.status, d.delivered,
    coalesce(q.attempts_made, d.attempts_made)
FROM request r LEFT JOIN retry_queue q ON q.id = r.job_id
LEFT JOIN dead_letter_queue d ON d.id = r.job_id"""
ACTIVE, COMPLETED = 2, 4
RETRYING, RESOLVED = 1, 2


class Violation(Exception):
    pass


class Tail:
    """A file that grows, read line by line as far as it is there."""

    def __init__(self, path):
        self.path = path
        self.offset = 0

    def lines(self):
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            text = file.read()
        whole = text[:text.rfind(b"\n") + 1]
        self.offset += len(whole)
        return whole.splitlines()


class Ground:
    def __init__(self, directory, seed):
        self.directory = directory
        self.seed = seed
        self.random = random.Random(seed)
        self.database = os.path.join(directory, "wh.db")
        self.environment = {
            "PATH": BIN + ":" + os.environ["PATH"], "HOME": directory, "LC_ALL": "C.UTF-8",
            "WH_DB": self.database, "WH_ALLOW_NET": "127.0.0.0/8",
            "WH_CONFIG": os.path.join(directory, "config.json")}
        with open(self.environment["WH_CONFIG"], "w") as file:
            json.dump(CONFIG, file)
        self.kills = collections.Counter()
        self.latest = collections.deque(maxlen=8)
        self.receipts = set()  # event ids
        self.may_be_gone = set()  # an operator was told to delete them
        self.failing = set()  # a connection broke: requests are not what was recorded
        self.attempts = {}  # event id -> the most that was seen
        self.leased = collections.Counter()  # event id -> how often at a kill
        self.company = {}  # job id -> the fewest that were being delivered at one of its kills
        self.requests = collections.Counter()  # event id -> how often it was received
        self.checks = 0
        self.takeovers = []  # (worker number, since when)
        self.taken_over = []  # after how many seconds
        self.events = 0
        self.workers = []
        self.writers = []
        self.started = 0
        self.start_receiver()
        self.run("whqueue stats")  # fails: there is no store yet
        self.accept(self.run("whenqueue", self.batch(1)).stdout.splitlines())

    # ---- programs ----------------------------------------------------------------

    def start_receiver(self):
        self.log = Tail(os.path.join(self.directory, "requests.ndjson"))
        self.receiver = subprocess.Popen(
            [os.path.join(BUILD, "tests/receiver"), "--log", self.log.path,
             "--max-time", "7200"], stdout=subprocess.PIPE, text=True)
        self.port = self.receiver.stdout.readline().split()[0]

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def spawn(self, command, output, **options):
        return subprocess.Popen(
            command.split(), env=self.environment, stdout=output,
            stderr=open(os.path.join(self.directory, "stderr"), "a"), text=True, **options)

    def run(self, command, text=None, limit=60):
        try:
            return subprocess.run(command.split(), env=self.environment, input=text,
                                  capture_output=True, text=True, check=False, timeout=limit)
        except subprocess.TimeoutExpired:
            raise Violation(f"{command}: not done after {limit} s;"
                            f" {self.unfinished()} jobs unfinished") from None

    def start_worker(self, options="--concurrency 8", **spawn_options):
        self.started += 1
        path = os.path.join(self.directory, f"worker-{self.started}.ndjson")
        worker = self.spawn(f"whworker --lease {LEASE} --jitter 0 {options}", open(path, "w"),
                            **spawn_options)
        self.workers.append(worker)
        return worker

    def start_ready_worker(self, options):
        """One that has got so far that SIGHUP does not end it."""
        ready, told = os.pipe()
        worker = self.start_worker(f"{options} --ready-fd {told}", pass_fds=[told])
        os.close(told)
        self.demand(os.read(ready, 1), "a worker does not start")
        os.close(ready)
        return worker

    def start_writer(self):
        self.started += 1
        path = os.path.join(self.directory, f"writer-{self.started}.ndjson")
        writer = self.spawn("whenqueue --jitter 0", open(path, "w"), stdin=subprocess.PIPE)
        writer.receipts = Tail(path)
        self.writers.append(writer)
        return writer

    def feed(self, writer, most=15):
        writer.stdin.write(self.batch(self.random.randint(1, most)))
        writer.stdin.flush()

    def read_receipts(self, writer):
        self.accept(writer.receipts.lines())

    def batch(self, count):
        """So many events as NDJSON; where they go, and so what becomes of them, is random."""
        paths = ["/ok"] * 12 + ["/flaky/1"] * 4 + ["/status/422"] * 3 + ["/status/503"]
        lines = []
        for _ in range(count):
            event = {"id": f"e-{self.events}", "url": self.url(self.random.choice(paths)),
                     "priority": self.random.randrange(3), "payload": {"n": self.events}}
            if self.random.random() < 0.2:
                event["ordering_key"] = f"k-{self.random.randrange(20)}"
            self.events += 1
            lines.append(json.dumps(event))
        return "\n".join(lines) + "\n"

    def accept(self, lines):
        """Whole lines are receipts, wherever the program was killed."""
        self.receipts.update(json.loads(line)["id"] for line in lines)

    def read_requests(self):
        self.requests.update(json.loads(line)["headers"]["webhook-id"]
                             for line in self.log.lines())

    # ---- kills -------------------------------------------------------------------

    def note_kill(self, program, detail):
        self.kills[program] += 1
        self.latest.append(f"{program} {detail}")

    def kill_after(self, program, process, seconds):
        """Kills a program, unless it was done sooner."""
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.note_kill(program, f"after {seconds * 1000:.1f} ms")

    def kill_whenqueue(self):
        writer = self.writers.pop(self.random.randrange(len(self.writers)))
        self.feed(writer)
        self.kill_after("whenqueue", writer, self.random.uniform(0, 0.02))
        self.read_receipts(writer)
        writer.stdin.close()

    def kill_whdlq(self):
        """Verbs with a random limit; what a delete may have reached is not looked for."""
        limit = self.random.randrange(1, 30)
        verb = self.random.choice(["retry"] * 3 + ["resolve"] * 3 + ["reopen", "delete", "cleanup"])
        command = f"whdlq {verb} --limit {limit}" + {
            "retry": " --status unresolved", "resolve": " --status unresolved --by test",
            "reopen": " --status resolved", "delete": " --status resolved",
            "cleanup": " --older-than 1s"}[verb]
        if verb in ("delete", "cleanup"):
            self.note_dead_letters()
        process = self.spawn(command + " --all --yes", subprocess.DEVNULL,
                             stdin=subprocess.DEVNULL)
        self.kill_after(f"whdlq {verb}", process, self.random.uniform(0, 0.015))

    def note_dead_letters(self):
        """Before a verb that deletes: any of them may be gone after it."""
        rows = self.query("SELECT r.event_id FROM dead_letter_queue d"
                          " JOIN request r ON r.job_id = d.id")
        self.may_be_gone.update(row[0] for row in rows)

    def kill_worker(self, spare=None):
        """
        The others are stopped for a moment, so that what the dead one held can be read
        before they take it over.
        """
        victim = self.random.choice([one for one in self.workers if one is not spare])
        self.workers.remove(victim)
        for worker in self.workers:
            worker.send_signal(signal.SIGSTOP)
        victim.kill()
        victim.wait()
        since = time.monotonic()
        try:
            rows = self.claimed_by(victim)
        except sqlite3.OperationalError:
            # One was stopped with a lock in its hand that a reader needs.
            self.go_on()
            since = time.monotonic()
            rows = self.claimed_by(victim)
        self.go_on()
        self.leased.update(row[1] for row in rows)
        self.note_company(victim.pid)
        self.takeovers += [(number, since) for number in {row[0] for row in rows}]
        self.note_kill("whworker", f"with {len(rows)} jobs")

    def claimed_by(self, worker):
        return self.query("SELECT w.id, r.event_id FROM worker w"
                          " JOIN retry_queue q ON q.worker = w.id AND q.state = 2"
                          " JOIN request r ON r.job_id = q.id WHERE w.pid = ?", worker.pid)

    def go_on(self):
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)

    def note_company(self, pid):
        """Whom the dead worker was delivering, by the file that it leaves (flight_record.h)."""
        number = self.query("SELECT max(id) FROM worker WHERE pid = ?", pid)[0][0]
        try:
            with open(f"{self.database}.worker-{number}", "rb") as file:
                places = array.array("q", file.read())
        except FileNotFoundError:
            return  # it was killed before it had one
        jobs = [job for job in places if job != 0]
        for job in jobs:
            self.company[job] = min(len(jobs), self.company.get(job, len(jobs)))

    # ---- what must hold ----------------------------------------------------------

    def query(self, sql, *values):
        return self.query_all((sql, values))[0]

    def query_all(self, *queries):
        """What each (SQL, values) finds in one snapshot."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30,
                                     isolation_level=None)
        try:
            connection.execute("BEGIN")
            return [connection.execute(*query).fetchall() for query in queries]
        finally:
            connection.close()

    def unfinished(self):
        """How many jobs wait or are being delivered; those on hold do not count."""
        return self.query("SELECT count(*) FROM retry_queue WHERE state IN (0, 1, 2, 7)")[0][0]

    def demand(self, holds, text):
        if not holds:
            raise Violation(f"{text}; latest kills: {', '.join(self.latest)}")

    def watch_takeovers(self):
        now = time.monotonic()
        held = {row[0] for row in self.query("SELECT DISTINCT worker FROM retry_queue"
                                             " WHERE state = 2")}
        for number, since in self.takeovers:
            if number not in held:
                self.taken_over.append(now - since)
            self.demand(number not in held or now - since < 20,
                        f"nobody takes over from worker {number}")
        self.takeovers = [one for one in self.takeovers if one[0] in held]

    def check_place(self, event_id, queued, state, status, delivered):
        if queued:
            buried = status is not None and status != RETRYING and not (
                state == COMPLETED and status == RESOLVED and delivered)
            self.demand(not buried, f"{event_id} is queued ({state}) and dead ({status})")
            self.demand(status != RETRYING or state != COMPLETED,
                        f"{event_id} is delivered, its letter says retrying")
        elif event_id not in self.may_be_gone:
            self.demand(status is not None and status != RETRYING,
                        f"{event_id} is neither queued nor dead ({status})")

    def check_attempts(self, event_id, state, made):
        self.demand(made >= self.attempts.get(event_id, 0),
                    f"{event_id} has fewer attempts than it had")
        self.attempts[event_id] = made
        most = made + self.leased[event_id] + (state == ACTIVE)
        self.demand(event_id in self.failing or self.requests[event_id] <= most,
                    f"{event_id} was received {self.requests[event_id]} times, of at most {most}")

    def check(self):
        """What is read first can only be less than what the snapshot knows."""
        self.read_requests()
        for writer in self.writers:
            self.read_receipts(writer)
        rows, damage = self.query_all((PLACES,), ("PRAGMA integrity_check",))
        for event_id, queued, state, status, delivered, made in rows:
            self.check_place(event_id, queued, state, status, delivered)
            if event_id not in self.may_be_gone:  # or a new job may have its name
                self.check_attempts(event_id, state, made)
        lost = self.receipts - self.may_be_gone - {row[0] for row in rows}
        self.demand(not lost, f"receipted and lost: {sorted(lost)[:5]}")
        self.demand(damage == [("ok",)], f"integrity_check: {damage[0]}")
        self.checks += 1

    def finish(self):
        """Drains the queue. Returns how many requests were beyond the attempts on record."""
        for writer in self.writers:
            writer.stdin.close()
            writer.wait(60)
        while self.workers:
            worker = self.workers.pop()
            worker.terminate()
            worker.wait(60)
        for _ in range(30):
            self.run(f"whworker --drain --jitter 0 --lease {LEASE} --concurrency 20", limit=300)
            if self.unfinished() == 0:
                break
            time.sleep(0.1)
        self.check()
        doctor = self.run("whqueue doctor -o json")
        self.demand(doctor.returncode == 0, f"whqueue doctor: {doctor.stdout}")
        left = self.unfinished()
        self.demand(left == 0, f"{left} jobs are never done")
        return self.check_duplicates()

    def check_duplicates(self):
        self.read_requests()
        recorded = dict(self.query(
            "SELECT r.event_id, (SELECT count(*) FROM attempt a WHERE a.job_id = r.job_id"
            " AND NOT a.reported) FROM request r"))
        extra = 0
        for event_id, made in recorded.items():
            if event_id in self.may_be_gone:
                continue
            beyond = self.requests[event_id] - made
            if event_id in self.failing:
                continue
            self.demand(beyond >= 0, f"{event_id}: an attempt that was no request")
            self.demand(beyond <= self.leased[event_id],
                        f"{event_id}: sent {beyond} times too often,"
                        f" in flight at {self.leased[event_id]} kills")
            extra += beyond
        return extra

    def crash_loops(self):
        """Buried is only who was alone with a worker when it was killed."""
        buried = self.query("SELECT id FROM dead_letter_queue WHERE death = 'crash_loop'")
        for (job,) in buried:
            self.demand(self.company.get(job) == 1,
                        f"job {job} is buried and was one of {self.company.get(job)} or more")
        return len(buried)

    def report(self, duplicates):
        programs = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        figure(f"kills {self.kills.total()} ({programs}), seed {self.seed},"
               f" checks of everything {self.checks}")
        figure(f"events {self.events}, receipts {len(self.receipts)},"
               f" requests {self.requests.total()}, duplicates {duplicates},"
               f" jobs in flight at kills {self.leased.total()}")
        figure(f"takeovers {len(self.taken_over)}, longest {max(self.taken_over) * 1000:.0f} ms,"
               f" over 1 s {sum(took > 1 for took in self.taken_over)};"
               f" crash loops {self.crash_loops()}, each of a job alone in flight")

    def complaints(self):
        """The last that the programs had to say."""
        with open(os.path.join(self.directory, "stderr")) as stderr:
            return "".join(stderr.readlines()[-5:])

    def close(self):
        for process in self.workers + self.writers + [self.receiver]:
            process.kill()
            process.wait()


def figure(text):
    print(f"# figure: {text}")
    sys.stdout.flush()


def suite(name, make_ground, run):
    """The one test of a program: run(ground), in TAP."""
    print("1..1", flush=True)
    violation = None
    with tempfile.TemporaryDirectory() as directory:
        ground = make_ground(directory, SEED)
        try:
            run(ground)
        except Violation as found:
            violation = f"{found}; KILL_SEED={SEED}\n{ground.complaints()}"
        finally:
            ground.close()
    print(f"{'not ok' if violation else 'ok'} 1 - {name}")
    if violation:
        print(textwrap.indent(violation, "#   "))
    sys.stdout.flush()
