-- SPDX-License-Identifier: MIT
--
-- The store of whtools on SQLite, first version.
--
-- Times are milliseconds since 1970 UTC, durations end in _ms or _us. Enumerations that
-- an index depends on are small integers and are spelt out by the views at the end (read
-- those: `SELECT * FROM job`, `SELECT * FROM dead_letter`); names of error types and
-- categories are kept as text, because only failures have them.
--
-- Rows are written by programs that hold a lock on the file NAME.db.lock. Reading with
-- the sqlite3 shell is always fine. Changing rows by hand leaves the counters of
-- `endpoint` behind: `whqueue doctor` tells.

-- Numbers that are never used twice: job ids, fencing tokens, worker numbers.
CREATE TABLE sequence (
	name TEXT PRIMARY KEY,
	next INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO sequence (name, next) VALUES ('job', 1), ('token', 1), ('worker', 1);

CREATE TABLE queue (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
);

-- Where deliveries go: a name of the configuration, or scheme://host[:port] of the URLs.
-- The row also counts its jobs by state. All of an endpoint's counters are written at
-- once, at the end of each transaction, so statistics never count rows and a claim knows
-- how many jobs each endpoint has ready.
CREATE TABLE endpoint (
	id INTEGER PRIMARY KEY,
	queue_id INTEGER NOT NULL,
	name TEXT NOT NULL,
	named INTEGER NOT NULL,              -- 1: a name of the configuration
	held_at INTEGER,                     -- on hold since; NULL: not on hold
	not_before INTEGER NOT NULL DEFAULT 0, -- Retry-After of the whole endpoint
	served INTEGER NOT NULL DEFAULT 0,   -- grows with each claim: smallest is next in turn
	waiting INTEGER NOT NULL DEFAULT 0,
	delayed INTEGER NOT NULL DEFAULT 0,
	active INTEGER NOT NULL DEFAULT 0,
	paused INTEGER NOT NULL DEFAULT 0,
	completed INTEGER NOT NULL DEFAULT 0,
	cancelled INTEGER NOT NULL DEFAULT 0,
	dead INTEGER NOT NULL DEFAULT 0,     -- unresolved dead letters
	UNIQUE (queue_id, name)
);

-- The endpoints that have something to deliver, the one least recently served first.
CREATE INDEX endpoint_ready ON endpoint (queue_id, served) WHERE waiting > 0;

-- The hot table: narrow, one row per job that is not dead. Rows change several times in
-- their life and a commit writes whole pages, so what never changes is in `request`.
CREATE TABLE retry_queue (
	id INTEGER PRIMARY KEY,              -- the job's id for life
	endpoint_id INTEGER NOT NULL,
	state INTEGER NOT NULL,              -- 0 waiting, 1 delayed, 2 active, 3 paused,
	                                     -- 4 completed, 5 cancelled
	priority INTEGER NOT NULL,           -- larger runs first
	run_at INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	attempt INTEGER NOT NULL,            -- failed attempts of the present budget
	attempts_made INTEGER NOT NULL,      -- over the whole life
	max_attempts INTEGER NOT NULL,
	crashes INTEGER NOT NULL DEFAULT 0,  -- workers that died with it in flight
	expedited INTEGER NOT NULL DEFAULT 0, -- 1: goes ahead of its endpoint's not_before
	paused_by INTEGER,                   -- 1: an operator, 2: a hold on its event type
	token INTEGER,                       -- fencing token of the latest claim
	worker INTEGER,                      -- who made that claim
	http_status INTEGER NOT NULL DEFAULT 0, -- of the last attempt; 0: no response
	failed INTEGER NOT NULL DEFAULT 0,   -- number of the last attempt that failed
	error_type TEXT,                     -- of that attempt
	category TEXT,
	event_type TEXT
);

-- A job is in at most one of these indexes. Time and priority never share one: an index
-- ordered by priority and filtered by time walks over every job of the future.
CREATE INDEX job_ready ON retry_queue (endpoint_id, priority DESC, id) WHERE state = 0;
CREATE INDEX job_due ON retry_queue (run_at) WHERE state = 1;
CREATE INDEX job_active ON retry_queue (worker) WHERE state = 2;
CREATE INDEX job_paused ON retry_queue (event_type, paused_by) WHERE state = 3;
CREATE INDEX job_finished ON retry_queue (updated_at) WHERE state IN (4, 5);
CREATE INDEX job_expedited ON retry_queue (id) WHERE state = 0 AND expedited = 1;

-- What is delivered: written once, read once per attempt, shared by the queue and the
-- dead letter queue.
CREATE TABLE request (
	job_id INTEGER PRIMARY KEY,
	event_id TEXT NOT NULL,
	url TEXT,                            -- NULL: the endpoint's
	method TEXT,                         -- NULL: POST
	headers TEXT,                        -- a JSON object of strings
	body_kind INTEGER NOT NULL,          -- 0 none, 1 JSON, 2 other bytes
	body BLOB,                           -- exactly as delivered; text where it is JSON
	extra TEXT                           -- members of the record that we do not know
);

-- The idempotency key: an event id is one job for as long as the job is remembered, also
-- when it is completed, cancelled or dead.
CREATE TABLE job_key (
	queue_id INTEGER NOT NULL,
	event_id TEXT NOT NULL,
	job_id INTEGER NOT NULL,
	PRIMARY KEY (queue_id, event_id)
) WITHOUT ROWID;

-- Every attempt at delivery; rows are never changed.
CREATE TABLE attempt (
	job_id INTEGER NOT NULL,
	number INTEGER NOT NULL,             -- 1, 2, ... over the whole life of the job
	started_at INTEGER NOT NULL,
	outcome TEXT NOT NULL,               -- completed, retry, dead
	reported INTEGER NOT NULL,           -- 1: made by other software and told to us
	http_status INTEGER NOT NULL,        -- 0: no response
	http_version INTEGER NOT NULL,       -- 10, 11, 20, 30; 0: no response
	dns_us INTEGER NOT NULL,             -- phases from the start; -1: did not happen
	connect_us INTEGER NOT NULL,
	tls_us INTEGER NOT NULL,
	first_byte_us INTEGER NOT NULL,
	total_us INTEGER NOT NULL,
	delay_ms INTEGER NOT NULL,           -- before the next attempt
	jitter_ms INTEGER NOT NULL,
	worker INTEGER NOT NULL,
	peer TEXT,
	error_type TEXT,
	category TEXT,
	rule TEXT,                           -- what classified the failure; NULL: none
	reason TEXT,
	snippet BLOB,                        -- first bytes of the response body
	PRIMARY KEY (job_id, number)
) WITHOUT ROWID;

-- Jobs that can never succeed by themselves. Moving here deletes the row of retry_queue;
-- a retry puts it back there and the entry stays, as "retrying", with its history.
CREATE TABLE dead_letter_queue (
	id INTEGER PRIMARY KEY,              -- the job's id for life
	endpoint_id INTEGER NOT NULL,
	status INTEGER NOT NULL,             -- 0 unresolved, 1 retrying, 2 resolved
	death TEXT NOT NULL,                 -- non_retryable, retries_exhausted, gone, ...
	died_at INTEGER NOT NULL,            -- the latest time
	first_died_at INTEGER NOT NULL,
	retries INTEGER NOT NULL DEFAULT 0,  -- times an operator sent it again
	resolved_at INTEGER,
	resolved_by TEXT,
	note TEXT,
	delivered INTEGER NOT NULL DEFAULT 0, -- 1: resolved because a retry was delivered
	priority INTEGER NOT NULL,           -- from here on as in retry_queue
	created_at INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	attempts_made INTEGER NOT NULL,
	max_attempts INTEGER NOT NULL,
	crashes INTEGER NOT NULL,
	http_status INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	error_type TEXT,
	category TEXT,
	event_type TEXT,
	rule TEXT,                           -- these two as in attempt
	reason TEXT
);

CREATE INDEX dead_letter_status ON dead_letter_queue (status, died_at, id);
CREATE INDEX dead_letter_died ON dead_letter_queue (died_at, id);

-- What an operator put on hold, apart from endpoints (endpoint.held_at).
CREATE TABLE hold (
	queue_id INTEGER NOT NULL,
	event_type TEXT NOT NULL,            -- '' : everything
	held_at INTEGER NOT NULL,
	releasing INTEGER NOT NULL DEFAULT 0, -- 1: lifted, but some of its jobs are paused yet
	PRIMARY KEY (queue_id, event_type)
) WITHOUT ROWID;

-- Workers that are alive, or died a moment ago. On the machine of boot_id a worker lives
-- for as long as it holds its lock on byte `id` of NAME.db.lock; elsewhere until
-- expires_at.
CREATE TABLE worker (
	id INTEGER PRIMARY KEY,
	boot_id TEXT NOT NULL,
	pid INTEGER NOT NULL,
	started_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
);

-- For people.
CREATE VIEW job AS
SELECT q.id, r.event_id, n.name AS queue, e.name AS endpoint, q.event_type,
	CASE q.state WHEN 0 THEN 'waiting' WHEN 1 THEN 'delayed' WHEN 2 THEN 'active'
		WHEN 3 THEN 'paused' WHEN 4 THEN 'completed' ELSE 'cancelled' END AS state,
	q.priority,
	strftime('%Y-%m-%dT%H:%M:%fZ', q.run_at / 1000.0, 'unixepoch') AS run_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', q.created_at / 1000.0, 'unixepoch') AS created_at,
	q.attempt, q.attempts_made, q.max_attempts, q.http_status, q.error_type, r.url, r.body
FROM retry_queue q
JOIN endpoint e ON e.id = q.endpoint_id
JOIN queue n ON n.id = e.queue_id
JOIN request r ON r.job_id = q.id;

CREATE VIEW dead_letter AS
SELECT d.id, r.event_id, n.name AS queue, e.name AS endpoint, d.event_type,
	CASE d.status WHEN 0 THEN 'unresolved' WHEN 1 THEN 'retrying' ELSE 'resolved' END
		AS status,
	d.death,
	strftime('%Y-%m-%dT%H:%M:%fZ', d.died_at / 1000.0, 'unixepoch') AS died_at,
	d.attempts_made, d.retries, d.http_status, d.error_type, d.category, d.reason,
	d.resolved_by, d.note, r.url, r.body
FROM dead_letter_queue d
JOIN endpoint e ON e.id = d.endpoint_id
JOIN queue n ON n.id = e.queue_id
JOIN request r ON r.job_id = d.id;
