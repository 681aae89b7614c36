-- How many jobs wait, are claimed, and were buried.
-- KEYS  queue, calling, dead
local dead = redis.call('XLEN', KEYS[3])
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0, 0, dead } end
local pending = redis.call('XPENDING', KEYS[1], 'workers')
local claimed = pending[1]
for _, consumer in ipairs(pending[4] or {}) do
  if consumer[1] == 'released' then claimed = claimed - consumer[2] end
end
-- A call is an entry, but no job.
local jobs = redis.call('XLEN', KEYS[1]) - redis.call('EXISTS', KEYS[2])
return { math.max(jobs - claimed, 0), claimed, dead }
