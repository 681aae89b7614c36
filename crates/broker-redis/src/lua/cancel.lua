-- Marks a stream as cancelled and tells its owner, if there is anything to stop.
-- KEYS  meta
-- ARGV  channel, id
local tail = redis.call('HGET', KEYS[1], 'tail')
if not tail then return end
local _, _, ended = parse(tail)
if ended then return end
redis.call('HSET', KEYS[1], 'stop', 'cancelled')
-- Not sharded: every worker hears of every cancel, and there are few.
redis.call('PUBLISH', ARGV[1], ARGV[2])
