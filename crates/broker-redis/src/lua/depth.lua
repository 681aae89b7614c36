-- How many jobs wait, are claimed, and were buried; and the age of the oldest that waits, or -1.
-- KEYS  queue, calling, dead
local queue = KEYS[1]
local dead = redis.call('XLEN', KEYS[3])
if redis.call('EXISTS', queue) == 0 then return { 0, 0, dead, -1 } end
local pending = redis.call('XPENDING', queue, 'workers')
local claimed = pending[1]
for _, consumer in ipairs(pending[4] or {}) do
  if consumer[1] == 'released' then claimed = claimed - consumer[2] end
end
-- A call is an entry, but no job.
local jobs = redis.call('XLEN', queue) - redis.call('EXISTS', KEYS[2])
local waiting = math.max(jobs - claimed, 0)
if waiting == 0 then return { 0, claimed, dead, -1 } end

-- What was given back is older than what was never handed out. Of the latter, the first may be a call.
local oldest = redis.call('XPENDING', queue, 'workers', '-', '+', 1, 'released')[1]
if not oldest then
  local delivered = redis.call('XINFO', 'GROUPS', queue)[1][8]
  for _, entry in ipairs(redis.call('XRANGE', queue, '(' .. delivered, '+', 'COUNT', 2)) do
    if not oldest and entry[2][1] == 'job' then oldest = entry end
  end
end
local age = -1
if oldest then age = math.max(now() - string.match(oldest[1], '^%d+'), 0) end
return { waiting, claimed, dead, age }
