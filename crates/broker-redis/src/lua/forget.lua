-- Forgets a dead job. Its response stays known for a while, so that it is not enqueued again.
-- KEYS  dead, known
-- ARGV  entry, how long it stays known
local forgotten = redis.call('XDEL', KEYS[1], ARGV[1])
if forgotten == 1 then redis.call('SET', KEYS[2], 'done', 'PX', ARGV[2]) end
return forgotten
