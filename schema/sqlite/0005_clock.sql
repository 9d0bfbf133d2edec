-- SPDX-License-Identifier: MIT
--
-- The latest time that any program wrote by, to within a minute: if the clock is further
-- behind than that, somebody has set it back, and what waits for a time of the old clock
-- has to follow.

CREATE TABLE clock (
	latest INTEGER NOT NULL
);

INSERT INTO clock (latest) VALUES (0);
