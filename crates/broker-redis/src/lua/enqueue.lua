-- Puts a job into the queue, unless its response has had one.
-- KEYS  queue, known
-- ARGV  job, its head, how many entries the queue holds at most, ttl
if redis.call('EXISTS', KEYS[2]) == 1 then return 'known' end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 'full' end
ensure_queue(KEYS[1], ARGV[4])
local entry = redis.call('XADD', KEYS[1], '*', 'job', ARGV[1], 'head', ARGV[2])
redis.call('SET', KEYS[2], entry, 'PX', ARGV[4])
return 'ok'
