-- SPDX-License-Identifier: MIT
--
-- Endpoints that are parked by their breaker, or paced by their rate.

-- The breaker: failures in a row; how often it opened since it was last closed (0: it is
-- closed); no delivery before the end of the cool-down, and from then on one at a time;
-- and since when it is not closed.
ALTER TABLE endpoint ADD COLUMN breaker_failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint ADD COLUMN breaker_trips INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint ADD COLUMN breaker_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE endpoint ADD COLUMN breaker_opened_at INTEGER;

-- How often it was closed, by a delivery or by hand: what a worker learnt before the
-- latest time is out of date.
ALTER TABLE endpoint ADD COLUMN breaker_closings INTEGER NOT NULL DEFAULT 0;

-- By its rate, what was sent so far is paid for at that time, in microseconds.
ALTER TABLE endpoint ADD COLUMN paced_until_us INTEGER NOT NULL DEFAULT 0;
