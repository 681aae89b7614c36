-- Why the owner of a stream shall end it.
-- KEYS  meta
local meta = redis.call('HMGET', KEYS[1], 'ended', 'cancelled', 'attended')
return stop(meta[1], meta[2], meta[3])
