-- Puts a job into the queue, unless its response has had one.
-- KEYS  queue, known
-- ARGV  job, how many entries the queue holds at most, ttl
if redis.call('EXISTS', KEYS[2]) == 1 then return 'known' end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 'full' end
ensure_queue(KEYS[1], ARGV[3])
redis.call('XADD', KEYS[1], '*', 'job', ARGV[1])
redis.call('SET', KEYS[2], 1, 'PX', ARGV[3])
return 'ok'
