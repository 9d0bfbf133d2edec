-- SPDX-License-Identifier: MIT
--
-- Endpoints that a worker came for, and found not to be in its configuration.

-- Since when; NULL once a worker has claimed a job again.
ALTER TABLE endpoint ADD COLUMN unconfigured_at INTEGER;
