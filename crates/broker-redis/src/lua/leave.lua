-- Lets a guest out of a room; returns whether it was in it.
-- KEYS  room (a sorted set of guests by when they are out)
-- ARGV  guest
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now())
return redis.call('ZREM', KEYS[1], ARGV[1])
