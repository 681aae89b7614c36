-- Lets a guest into a room with bounded seats, or lets it stay; returns whether it is in.
-- KEYS  room (a sorted set of guests by when they are out)
-- ARGV  guest, seats, time to live
local at = now()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at)
local is_in = redis.call('ZSCORE', KEYS[1], ARGV[1])
local others = redis.call('ZCARD', KEYS[1]) - (is_in and 1 or 0)
if others >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], at + ARGV[3], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], last[2])
return 1
