-- Gives a claim back, as if it had not been made.
-- KEYS  queue, calling
-- ARGV  worker, entry, ttl
local claim = claim_of(KEYS[1], ARGV[2])
if not claim or claim.worker ~= ARGV[1] then return end
-- Not added anew: it would wait behind a whole backlog, and be another job to whoever had it before.
redis.call('XCLAIM', KEYS[1], 'workers', 'released', 0, ARGV[2], 'RETRYCOUNT', claim.attempts - 1, 'JUSTID')
wake(KEYS[1], KEYS[2], ARGV[3])
