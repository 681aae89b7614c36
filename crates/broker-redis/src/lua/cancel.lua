-- Marks a stream as cancelled and tells its owner, if there is anything to stop.
-- KEYS  meta
-- ARGV  channel, id
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'ended')
if not meta[1] or meta[2] then return end
redis.call('HSET', KEYS[1], 'cancelled', 1)
-- Not sharded: every worker hears of every cancel, and there are few.
redis.call('PUBLISH', ARGV[1], ARGV[2])
