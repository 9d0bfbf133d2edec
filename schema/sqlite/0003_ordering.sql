-- SPDX-License-Identifier: MIT
--
-- Ordering keys: of the jobs of one key, only one at a time is waiting, delayed or active
-- ("out"); what comes behind it is blocked, in neither the ready nor the due index, until
-- its turn comes. Also counts claims, for the share of the oldest jobs.

-- State 7: blocked. Both columns are NULL where there is no key.
ALTER TABLE retry_queue ADD COLUMN ordering_key TEXT;
ALTER TABLE retry_queue ADD COLUMN ordering_queue INTEGER; -- the queue's id

ALTER TABLE dead_letter_queue ADD COLUMN ordering_key TEXT;
ALTER TABLE dead_letter_queue ADD COLUMN ordering_queue INTEGER;

ALTER TABLE endpoint ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint ADD COLUMN claims INTEGER NOT NULL DEFAULT 0; -- jobs ever claimed

-- Unique: whatever goes wrong, two jobs of one key are never out.
CREATE UNIQUE INDEX job_out ON retry_queue (ordering_queue, ordering_key)
	WHERE ordering_key IS NOT NULL AND state IN (0, 1, 2);

-- Blocked and paused ones, the next in turn first.
CREATE INDEX job_behind ON retry_queue (ordering_queue, ordering_key, id)
	WHERE ordering_key IS NOT NULL AND state IN (3, 7);

DROP VIEW job;

CREATE VIEW job AS
SELECT q.id, r.event_id, n.name AS queue, e.name AS endpoint, q.event_type,
	CASE q.state WHEN 0 THEN 'waiting' WHEN 1 THEN 'delayed' WHEN 2 THEN 'active'
		WHEN 3 THEN 'paused' WHEN 4 THEN 'completed' WHEN 5 THEN 'cancelled'
		ELSE 'blocked' END AS state,
	q.priority, q.ordering_key,
	strftime('%Y-%m-%dT%H:%M:%fZ', q.run_at / 1000.0, 'unixepoch') AS run_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', q.created_at / 1000.0, 'unixepoch') AS created_at,
	q.attempt, q.attempts_made, q.max_attempts, q.http_status, q.error_type, r.url, r.body
FROM retry_queue q
JOIN endpoint e ON e.id = q.endpoint_id
JOIN queue n ON n.id = e.queue_id
JOIN request r ON r.job_id = q.id;
